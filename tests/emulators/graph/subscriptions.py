"""Subscriptions: made after a handshake with the subscriber, and ended by time.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks and
learn.microsoft.com/graph/api/resources/subscription.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from application.ports import Clock
from tests.emulators.graph.mailboxes import Mailboxes, StoredMessage, User
from tests.emulators.graph.wire import GraphError, Json, guid, timestamp

LONGEST = timedelta(minutes=10_070)
"""The documents say 10,080; Graph has been seen to refuse more than 10,070."""

SHORTEST = timedelta(minutes=45)

HANDSHAKE_SECONDS = 10.0

_RESOURCE = re.compile(
    r"/?users/(?P<user>[^/]+)(?:/mailFolders(?:\('(?P<quoted>[^']+)'\)|/(?P<plain>[^/]+)))?/messages",
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
    expirationDateTime: AwareDatetime  # noqa: N815


@dataclass
class Subscription:
    """*immutable* says that its notices carry immutable ids; *folder* is empty for all folders."""

    id: str
    asked: SubscriptionRequest
    directory: str
    client_id: str
    user: User
    folder: str
    immutable: bool
    expires_at: datetime

    def covers(self, message: StoredMessage) -> bool:
        return message.user == self.user and self.folder in ("", message.folder.lower())

    def body(self) -> Json:
        return {
            "id": self.id,
            "resource": self.asked.resource,
            "applicationId": self.client_id,
            "changeType": self.asked.changeType,
            "clientState": self.asked.clientState,
            "notificationUrl": self.asked.notificationUrl,
            "lifecycleNotificationUrl": self.asked.lifecycleNotificationUrl,
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
    def __init__(self, clock: Clock, mailboxes: Mailboxes, subscriber: httpx.AsyncClient) -> None:
        self._clock = clock
        self._mailboxes = mailboxes
        self._subscriber = subscriber
        self._all: dict[str, Subscription] = {}

    def live(self) -> list[Subscription]:
        now = self._clock.now()
        return [each for each in self._all.values() if each.expires_at > now]

    def get(self, subscription_id: str) -> Subscription:
        for each in self.live():
            if each.id == subscription_id:
                return each
        raise GraphError(404, "ResourceNotFound", "The object was not found.")

    async def create(
        self, body: bytes, *, directory: str, client_id: str, immutable: bool
    ) -> Subscription:
        asked = parse(SubscriptionRequest, body)
        user, folder = self._target(asked)
        self._refuse_second(asked, client_id)
        expires_at = self._expiry(asked.expirationDateTime)
        for url in filter(None, (asked.notificationUrl, asked.lifecycleNotificationUrl)):
            await self._shake_hands(url)
        made = Subscription(
            str(uuid4()), asked, directory, client_id, user, folder, immutable, expires_at
        )
        self._all[made.id] = made
        return made

    def renew(self, subscription_id: str, body: bytes) -> Subscription:
        subscription = self.get(subscription_id)
        subscription.expires_at = self._expiry(parse(Renewal, body).expirationDateTime)
        return subscription

    def delete(self, subscription_id: str) -> None:
        del self._all[self.get(subscription_id).id]

    def _target(self, asked: SubscriptionRequest) -> tuple[User, str]:
        target = _RESOURCE.fullmatch(asked.resource)
        if not target:
            raise GraphError(400, "InvalidRequest", f"Resource not found: {asked.resource}")
        folder = target["quoted"] or target["plain"] or ""
        return self._mailboxes.user(target["user"]), folder.lower()

    def _refuse_second(self, asked: SubscriptionRequest, client_id: str) -> None:
        for each in self.live():
            known = (each.client_id, each.asked.changeType, each.asked.resource)
            if known == (client_id, asked.changeType, asked.resource):
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

    async def _shake_hands(self, url: str) -> None:
        """The subscriber proves that it wants notices: it repeats a token, decoded, as text."""
        token = f"Validation: Testing client application reachability for subscription {uuid4()}"
        mark = "&" if "?" in url else "?"
        try:
            answer = await self._subscriber.post(
                f"{url}{mark}validationToken={quote(token, safe='')}",
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=HANDSHAKE_SECONDS,
            )
        except httpx.TimeoutException:
            raise _invalid("Subscription validation request timed out.") from None
        except httpx.RequestError:
            raise _invalid("Subscription validation request failed.") from None
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        if (answer.status_code, media_type, answer.text) != (200, "text/plain", token):
            raise _invalid(
                "Subscription validation request failed. Notification endpoint must respond with "
                "200 OK to validation request."
            )


def _invalid(message: str) -> GraphError:
    return GraphError(400, "ValidationError", message)


def parse(model: type[_Model], body: bytes) -> _Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"])) or "body"
        raise GraphError(400, "InvalidRequest", f"{field} is missing or invalid") from None
