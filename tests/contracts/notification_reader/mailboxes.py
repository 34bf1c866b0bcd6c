"""The mailboxes that the requests of a stage of NotificationReader are about."""

from dataclasses import dataclass, replace

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.domain.account import Account
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_notifications import OTHER, SUBSCRIPTION
from tests.adapters.notification_rig import WatchedRoutes
from tests.contracts.notification_reader.stage import ANOTHERS, SECRET
from tests.contracts.samples import NOON
from tests.subscribing import a_subscription, subscribe


@dataclass(frozen=True, slots=True)
class ElsewhereAccount(Account):
    """Of another provider, where notifications name a mailbox as they do where *like* is."""

    like: Account
    folders: tuple[str, ...] = ("inbox",)
    provider: str = "elsewhere"

    def route(self, address: str) -> str:
        return self.like.route(address)


class Mailboxes:
    """The mailboxes that there are, and the *routes* that lead to them."""

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
