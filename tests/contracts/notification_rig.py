"""Stages of NotificationReader: what every one has, and the routes that its requests lead to."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import NotificationReader, WebhookRequest
from postroom.domain.account import Account
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.adapters.graph_notifications import OTHER, SUBSCRIPTION
from tests.adapters.notification_rig import WatchedRoutes
from tests.contracts.samples import NOON
from tests.subscribing import a_subscription, subscribe

SECRET = "the-secret-that-proves-it"
GUESS = "a-guess-that-proves-nothing"
ANOTHERS = "the-secret-of-another-mailbox"


class Stage(Protocol):
    """A reader under test, and the requests that its provider sends about *mailbox*.

    Whoever sends one about a subscription shows SECRET, if it is of SUBSCRIPTION. Where a sender
    *is_known_first*, nothing of the body says who it is.
    """

    reader: NotificationReader
    mailbox: Mailbox
    pointer: type[Pointer]
    is_known_first: bool = False

    @abstractmethod
    def content(self) -> Any:  # noqa: ANN401 - JSON
        """The body that announces something in the mailbox: two messages, if it can."""

    @abstractmethod
    def sent(self, body: bytes) -> WebhookRequest:
        """*body* from who may send it, as far as that is proven by headers."""

    @abstractmethod
    def forged(self) -> Sequence[WebhookRequest]:
        """The content, from senders who prove nothing."""

    @abstractmethod
    def of_another(self) -> Sequence[WebhookRequest]:
        """The content, from senders who may announce something in another mailbox."""

    def genuine(self) -> WebhookRequest:
        return self.sent(encoded(self.content()))

    def bodies_with(self, junk: str) -> Sequence[bytes]:
        """The content, each time with *junk* (JSON) in another place."""
        return spoiled(self.content(), junk)


def encoded(content: object) -> bytes:
    return json.dumps(content).encode()


_PLACE = "the place of the junk"


def spoiled(content: object, junk: str) -> Sequence[bytes]:
    return [
        encoded(each).replace(encoded(_PLACE), junk.encode()) for each in _with_a_place(content)
    ]


def _with_a_place(part: object) -> list[object]:
    """*part* with a place for junk: instead of all of it, or of one thing in it."""
    found: list[object] = [_PLACE]
    if isinstance(part, Mapping):
        for name, value in part.items():
            found += [{**part, name: each} for each in _with_a_place(value)]
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for n, value in enumerate(part):
            found += [[*part[:n], each, *part[n + 1 :]] for each in _with_a_place(value)]
    return found


@dataclass(frozen=True, slots=True)
class ElsewhereAccount(Account):
    """Of another provider, where notifications name a mailbox as they do where *like* is."""

    like: Account
    folders: tuple[str, ...] = ("inbox",)
    provider: str = "elsewhere"

    def route(self, address: str) -> str:
        return self.like.route(address)


class Post:
    """Where the requests of a stage lead: the routes, and the mailboxes that have them."""

    def __init__(self) -> None:
        database = InMemoryDatabase()
        self._registry = InMemoryMailboxRegistry(database)
        self._folder_syncs = InMemoryFolderSyncs(database)
        self.routes = WatchedRoutes(database)

    async def add(self, mailbox: Mailbox) -> None:
        await self._subscribe(mailbox, SUBSCRIPTION, SECRET)

    async def add_another(self, mailbox: Mailbox) -> None:
        """One beside *mailbox*, with all its own."""
        another = replace(mailbox, id="another", address="another@acme.example")
        await self._subscribe(another, OTHER, ANOTHERS)

    async def add_elsewhere(self, mailbox: Mailbox) -> None:
        """One of another provider that has whatever leads to *mailbox*."""
        await self.add(replace(mailbox, account=ElsewhereAccount(mailbox.account)))

    async def _subscribe(self, mailbox: Mailbox, subscription_id: str, secret: str) -> None:
        await self._registry.add(mailbox)
        subscription = a_subscription(subscription_id, secret, NOON)
        await subscribe(self._folder_syncs, mailbox, subscription, NOON)
