"""What the tests of the notification readers share."""

from collections.abc import Mapping, Sequence

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.routes import InMemoryRoutes
from postroom.application.ports import Route, Routes
from postroom.domain.mailbox import Mailbox


class RegisteredRoutes(Routes):
    """The routes of the mailboxes that a test adds; *queries* counts the searches."""

    def __init__(self) -> None:
        database = InMemoryDatabase()
        self._registry = InMemoryMailboxRegistry(database)
        self._routes = InMemoryRoutes(database)
        self.queries = 0

    async def add(self, mailbox: Mailbox) -> None:
        await self._registry.add(mailbox)

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        self.queries += 1
        return await self._routes.find(keys)

    async def account_values(self, provider: str, field: str) -> frozenset[str]:
        return await self._routes.account_values(provider, field)
