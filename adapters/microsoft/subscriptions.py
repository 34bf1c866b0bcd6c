"""Has Graph send notifications of new mail in a folder to our public URL.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks, /graph/api/resources/
subscription and /graph/outlook-change-notifications-overview.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from postroom.adapters.http.public_url import NO_PUBLIC_URL, is_loopback, is_public
from postroom.adapters.microsoft.account import DelegatedAccess, microsoft_account
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.errors import Meanings
from postroom.adapters.microsoft.folders import GraphFolders
from postroom.application.ports import Clock, NotificationsRefused, SubscriptionGone, Subscriptions
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.subscription import Subscription

LIFETIME = timedelta(days=6)
"""Graph takes less than seven days."""

SHARED = "Graph sends no notifications of shared mailboxes"
TAKEN = "another service has subscribed to this folder"


class _Taken(Exception):
    """There is a subscription to the same resource already."""


def _unproven(reason: str) -> NotificationsRefused:
    return NotificationsRefused(
        f"{reason}: the public URL did not answer Graph's validation request"
    )


# The folder was read just before, so what is forbidden here are the notifications and not the mail.
_CREATING: Meanings = {
    "validationerror": _unproven,
    400: NotificationsRefused,
    403: NotificationsRefused,
    404: AccessFailed,
    409: _Taken,
}
_GONE: Meanings = {404: SubscriptionGone, 410: SubscriptionGone}


class _Held(BaseModel):
    """A subscription as Graph shows it; a stranger's may lack what ours have."""

    id: str = Field(min_length=1)
    resource: str = ""
    endpoint: str | None = Field(alias="notificationUrl", default="")
    expires_at: AwareDatetime = Field(alias="expirationDateTime")


_HELD = TypeAdapter(list[_Held])


@dataclass(frozen=True, slots=True)
class GraphSubscriptions(Subscriptions):
    """Subscriptions to Graph at *graph*, whose notifications come to *public_url* (empty: to
    nobody).

    Graph in the internet needs a public https URL. One on this machine, which is an emulator, can
    reach whatever is here.
    """

    graph: GraphClient
    clock: Clock
    public_url: str

    @property
    def endpoint(self) -> str:
        return f"{self.public_url.rstrip('/')}/webhooks/microsoft"

    def endpoint_of(self, _: Mailbox) -> str:
        return self.endpoint

    def obstacle(self, mailbox: Mailbox) -> str:
        if not (is_public(self.public_url) or (self.public_url and self._graph_is_here)):
            return NO_PUBLIC_URL
        account = microsoft_account(mailbox)
        match account.credentials:
            case DelegatedAccess() as access if not access.is_of(account.user):
                return SHARED
            case _:
                return ""

    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        found = await GraphFolders(self.graph).find(mailbox, folder)
        resource = _resource(microsoft_account(mailbox).user, found.id)
        try:
            return await self._create(mailbox, resource)
        except _Taken:
            await self._make_way(mailbox, resource)
        try:
            return await self._create(mailbox, resource)
        except _Taken as taken:
            raise NotificationsRefused(TAKEN) from taken

    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        body = {"expirationDateTime": self._expiry()}
        path = ("subscriptions", subscription.id)
        renewed = _held(await self.graph.update(mailbox, *path, body=body, meanings=_GONE))
        expires_at = self.graph.skew.ours(renewed.expires_at.astimezone(UTC))
        return replace(subscription, renewed_at=self.clock.now(), expires_at=expires_at)

    async def remove(self, mailbox: Mailbox, subscription_id: str) -> None:
        with suppress(SubscriptionGone):
            await self.graph.delete(mailbox, "subscriptions", subscription_id, meanings=_GONE)

    async def ids(self, mailbox: Mailbox) -> Sequence[str]:
        return [each.id async for each in self._ours(mailbox)]

    @property
    def _graph_is_here(self) -> bool:
        return is_loopback(self.graph.graph_url)

    async def _create(self, mailbox: Mailbox, resource: str) -> Subscription:
        secret = secrets.token_urlsafe(32)
        body = {
            "changeType": "created",
            "clientState": secret,
            "expirationDateTime": self._expiry(),
            "lifecycleNotificationUrl": f"{self.endpoint}/lifecycle",
            "notificationUrl": self.endpoint,
            "resource": resource,
        }
        made = _held(
            await self.graph.create(mailbox, "subscriptions", body=body, meanings=_CREATING)
        )
        now = self.clock.now()
        return Subscription(
            id=made.id,
            secret_digest=hashlib.sha256(secret.encode()).hexdigest(),
            endpoint=self.endpoint,
            created_at=now,
            renewed_at=now,
            expires_at=self.graph.skew.ours(made.expires_at.astimezone(UTC)),
        )

    async def _make_way(self, mailbox: Mailbox, resource: str) -> None:
        """End ours of that resource: nobody has its secret any more."""
        async for each in self._ours(mailbox):
            if _plain(each.resource) == _plain(resource):
                await self.remove(mailbox, each.id)

    async def _ours(self, mailbox: Mailbox) -> AsyncIterator[_Held]:
        async for page in self.graph.pages(mailbox, "subscriptions", query={}):
            try:
                held = _HELD.validate_python(page)
            except ValidationError:
                raise Unavailable("Graph answered something else than subscriptions") from None
            for each in held:
                if each.endpoint == self.endpoint:
                    yield each

    def _expiry(self) -> str:
        return f"{self.graph.skew.theirs(self.clock.now()) + LIFETIME:%Y-%m-%dT%H:%M:%SZ}"


def _held(response: dict[str, object]) -> _Held:
    try:
        return _Held.model_validate(response)
    except ValidationError:
        raise Unavailable("Graph answered something else than a subscription") from None


def _resource(user: str, folder: str) -> str:
    return "/".join(("/users", quote(user, safe="@"), "mailFolders", folder, "messages"))


def _plain(resource: str) -> str:
    return resource.strip("/").lower()
