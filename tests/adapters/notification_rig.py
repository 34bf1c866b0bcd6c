"""What the tests of Graph's notifications share: a reader, and routes to look them up in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.routes import InMemoryRoutes
from postroom.adapters.microsoft.notifications import GraphNotificationReader
from postroom.application.ports import (
    Handshake,
    InvalidWebhook,
    Notification,
    NotificationResult,
    Rejected,
    Route,
    Unauthenticated,
    WebhookRequest,
    by_subscription,
)
from postroom.domain.failure import Failure
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_notifications import CLIENT_STATE, SUBSCRIPTION
from tests.adapters.graph_rig import a_mailbox
from tests.subscribing import a_subscription, subscribe

BAD_SIGNATURE = Rejected(NotificationResult.BAD_SIGNATURE, SUBSCRIPTION)


def mailbox_of(tenant: str = "acme", name: str = "support") -> Mailbox:
    return replace(a_mailbox(), tenant=tenant, id=name, address=f"{name}@{tenant}.example")


class WatchedRoutes(InMemoryRoutes):
    """*queries* holds what was looked up. A *failure*, if there is one, is raised."""

    def __init__(self, database: InMemoryDatabase) -> None:
        super().__init__(database)
        self.queries: list[Sequence[str]] = []
        self.failure: Failure | None = None

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        self.queries.append(keys)
        if self.failure:
            raise self.failure
        return await super().find(keys)


@dataclass
class TokenVerifier:
    """*tokens*: the client id that each is made out to. A *failure*, if there is one, is raised."""

    tokens: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None

    async def __call__(self, token: str) -> str:
        if self.failure:
            raise self.failure
        if token not in self.tokens:
            raise Unauthenticated("the token is unknown")
        return self.tokens[token]


class Rig:
    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        database = InMemoryDatabase()
        self.registry = InMemoryMailboxRegistry(database)
        self.folder_syncs = InMemoryFolderSyncs(database)
        self.routes = WatchedRoutes(database)
        self.verifier = TokenVerifier()
        self.reader = GraphNotificationReader(self.verifier)

    async def subscribe(
        self,
        mailbox: Mailbox,
        *,
        subscription_id: str = SUBSCRIPTION,
        client_state: str = CLIENT_STATE,
    ) -> Route:
        """Add *mailbox*, whose one folder is subscribed to; returns where notifications lead."""
        await self.registry.add(mailbox)
        now = self._clock.now()
        subscription = a_subscription(subscription_id, client_state, now)
        await subscribe(self.folder_syncs, mailbox, subscription, now)
        key = by_subscription(subscription_id)
        return (await InMemoryRoutes.find(self.routes, [key]))[key]

    async def read(
        self, *items: object, tokens: Sequence[object] | None = None, path: str = ""
    ) -> Sequence[Notification]:
        """What the notification of *items* holds."""
        body: dict[str, object] = {"value": items}
        if tokens is not None:
            body["validationTokens"] = tokens
        return await self.read_body(json.dumps(body).encode(), path=path)

    async def read_body(self, body: bytes, *, path: str = "") -> Sequence[Notification]:
        result = await self.reader.read(WebhookRequest(path, {}, {}, body), self.routes)
        assert not isinstance(result, Handshake)
        return result

    async def handshake(self, token: str, *, path: str = "") -> str:
        """The text that is wanted back."""
        request = WebhookRequest(path, {}, {"validationToken": token}, b"")
        result = await self.reader.read(request, self.routes)
        assert isinstance(result, Handshake)
        return result.text

    async def refusal_of(self, body: bytes, *, path: str = "") -> InvalidWebhook:
        """Why *body* is refused as a whole."""
        try:
            await self.read_body(body, path=path)
        except InvalidWebhook as refusal:
            return refusal
        raise AssertionError("it was read")
