from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.ports import LedgerConnection, LedgerConnections


class InMemoryLedgerConnections(LedgerConnections):
    """A connection is the tables of the tenant."""

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def of_block(self, tenant: str) -> AsyncIterator[LedgerConnection]:
        if not self._database.in_ledger_block:
            raise RuntimeError("no ledger block is open")
        async with self._database.transaction(tenant) as tables:
            yield LedgerConnection(own=tables, for_thread=tables)
