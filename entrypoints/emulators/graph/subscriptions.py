"""Subscriptions: made after a handshake with the application, and ended by time.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks and
learn.microsoft.com/graph/api/resources/subscription.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.graph.folders import Folder
from postroom.entrypoints.emulators.graph.handshakes import Handshakes
from postroom.entrypoints.emulators.graph.mailboxes import Mailboxes, StoredMessage, User
from postroom.entrypoints.emulators.graph.wire import GraphError, Json, guid, timestamp

LONGEST = timedelta(minutes=10_070)
"""The documents say 10,080; Graph has been seen to refuse more than 10,070."""

SHORTEST = timedelta(minutes=45)

_RESOURCE = re.compile(
    r"/?(?:users/(?P<user>[^/]+)|me)(?:/mailFolders(?:\('(?P<quoted>[^']+)'\)|/(?P<plain>[^/]+)))?/messages",
    re.IGNORECASE,
)


_Model = TypeVar("_Model", bound=BaseModel)


class SubscriptionRequest(BaseModel):
    changeType: str  # noqa: N815 - Graph's names
    notificationUrl: str  # noqa: N815
    resource: str
    expirationDateTime: AwareDatetime  # noqa: N815
    clientState: str | None = Field(default=None, max_length=128)  # noqa: N815
    lifecycleNotificationUrl: str | None = None  # noqa: N815


class Renewal(BaseModel):
    """What can be changed; the URL of the life cycle cannot."""

    expirationDateTime: AwareDatetime | None = None  # noqa: N815
    notificationUrl: str | None = None  # noqa: N815


@dataclass
class Subscription:
    """*immutable* says that its notifications flush immutable ids; no *folder* is all folders.

    While it is *paused*, for want of authorisation, its notifications are lost.
    """

    id: str
    request: SubscriptionRequest
    directory: str
    client_id: str
    user: User
    folder: Folder | None
    immutable: bool
    expires_at: datetime
    paused: bool = False

    def covers(self, message: StoredMessage) -> bool:
        return message.user == self.user and self.folder in (None, message.folder)

    def body(self) -> Json:
        return {
            "id": self.id,
            "resource": self.request.resource,
            "applicationId": self.client_id,
            "changeType": self.request.changeType,
            "clientState": self.request.clientState,
            "notificationUrl": self.request.notificationUrl,
            "lifecycleNotificationUrl": self.request.lifecycleNotificationUrl,
            "expirationDateTime": timestamp(self.expires_at),
            "creatorId": guid(self.client_id),
            "latestSupportedTlsVersion": "v1_2",
            "includeResourceData": None,
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationQueryOptions": None,
            "notificationUrlAppId": None,
        }


class Subscriptions:
    def __init__(
        self,
        clock: Clock,
        mailboxes: Mailboxes,
        handshakes: Handshakes,
        new_id: Callable[[], str],
    ) -> None:
        self.page_size = 20
        self._clock = clock
        self._mailboxes = mailboxes
        self._handshakes = handshakes
        self._new_id = new_id
        self._all: dict[str, Subscription] = {}

    def live(self) -> list[Subscription]:
        now = self._clock.now()
        return [each for each in self._all.values() if each.expires_at > now]

    def get(self, subscription_id: str, client_id: str = "") -> Subscription:
        """That of any application, or of *client_id* alone. Raises GraphError."""
        for each in self.live():
            if each.id == subscription_id and client_id in ("", each.client_id):
                return each
        raise GraphError(404, "ResourceNotFound", "The object was not found.")

    def page(self, client_id: str, token: str) -> tuple[list[Subscription], str]:
        """Those of an application, and the token of the next page: opaque, as all are."""
        mine = [each for each in self.live() if each.client_id == client_id]
        numbers = {guid(str(number)): number for number in range(len(mine))}
        if token and token not in numbers:
            raise GraphError(400, "InvalidRequest", "The skiptoken is invalid.")
        start = numbers.get(token, 0)
        end = start + self.page_size
        return mine[start:end], guid(str(end)) if end < len(mine) else ""

    async def create(
        self, body: bytes, *, directory: str, client_id: str, immutable: bool, person: str = ""
    ) -> Subscription:
        """*person* is who the application acts for, if it does."""
        request = parse(SubscriptionRequest, body)
        user, folder = self._target(request, person)
        self._refuse_second(request, client_id)
        expires_at = self._expiry(request.expirationDateTime)
        for url in filter(None, (request.notificationUrl, request.lifecycleNotificationUrl)):
            await self._handshakes.shake(url)
        self._refuse_second(request, client_id)  # who was quicker has shaken hands meanwhile
        made = Subscription(
            self._new_id(), request, directory, client_id, user, folder, immutable, expires_at
        )
        self._all[made.id] = made
        return made

    async def renew(self, subscription: Subscription, body: bytes) -> None:
        """It authorises anew as well."""
        renewal = parse(Renewal, body)
        if renewal.expirationDateTime:
            subscription.expires_at = self._expiry(renewal.expirationDateTime)
        if renewal.notificationUrl:
            await self._handshakes.shake(renewal.notificationUrl)
            subscription.request.notificationUrl = renewal.notificationUrl
        subscription.paused = False

    def delete(self, subscription_id: str) -> None:
        del self._all[self.get(subscription_id).id]

    def _target(self, request: SubscriptionRequest, person: str) -> tuple[User, Folder | None]:
        """A person subscribes to their own mailbox alone, also where another is shared with them.

        Source: learn.microsoft.com/graph/outlook-change-notifications-overview.
        """
        target = _RESOURCE.fullmatch(request.resource)
        if not target:
            raise GraphError(400, "InvalidRequest", f"Resource not found: {request.resource}")
        user = self._mailboxes.user(target["user"] or person)
        if person and person.lower() != user.name.lower():
            raise GraphError(
                403,
                "ExtensionError",
                "Operation: Create; Exception: [Status Code: Forbidden; Reason: Forbidden]",
            )
        folder = target["quoted"] or target["plain"]
        return user, self._mailboxes.folders(user).find(folder) if folder else None

    def _refuse_second(self, request: SubscriptionRequest, client_id: str) -> None:
        """One for each resource, as it is written, and change type of an application."""
        wanted = _key(client_id, request)
        for each in self.live():
            if _key(each.client_id, each.request) == wanted:
                raise GraphError(
                    409,
                    "ObjectIdentifierInUse",
                    f"Subscription Id {each.id} already exists for the requested combination",
                )

    def _expiry(self, wanted: datetime) -> datetime:
        now = self._clock.now()
        if wanted > now + LONGEST:
            minutes = LONGEST // timedelta(minutes=1)
            raise GraphError(
                400,
                "ExtensionError",
                f"Subscription expiration can only be {minutes} minutes in the future.",
            )
        return max(wanted, now + SHORTEST)


def _key(client_id: str, request: SubscriptionRequest) -> tuple[str, str, str]:
    return client_id, request.changeType, request.resource.lstrip("/").lower()


def parse(model: type[_Model], body: bytes) -> _Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"])) or "body"
        raise GraphError(400, "InvalidRequest", f"{field} is missing or invalid") from None
