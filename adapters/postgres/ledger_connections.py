"""The connection of an open ledger block, lent to a function that is not ours.

It must come back as it was: in its transaction, as the tenant, with our settings. A transaction
that has failed, or was ended, must not look as if our own database had failed.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg.pq import TransactionStatus

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.application.ports import LedgerConnection, LedgerConnections

Parameters = Sequence[Any] | Mapping[str, Any] | None


class LeftUnusable(RuntimeError):
    """The function has ended the transaction, or went on after a statement that failed."""


class PostgresLedgerConnections(LedgerConnections):
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def of_block(self, tenant: str) -> AsyncIterator[LedgerConnection]:
        connection = self._database.of_block(tenant)
        own_rows, own_cursor = connection.row_factory, connection.cursor_factory
        lent = _Lent(connection, asyncio.get_running_loop())
        try:
            yield LedgerConnection(own=connection, for_thread=lent)
        finally:
            lent.close()
            connection.row_factory, connection.cursor_factory = own_rows, own_cursor
        if connection.info.transaction_status is not TransactionStatus.INTRANS:
            raise LeftUnusable("the transaction has failed, or was ended")
        await self._database.restore_settings(connection, tenant)


@dataclass(slots=True)
class _Lent:
    """What a function in a thread can do with the connection, which belongs to the loop."""

    _connection: Connection = field(repr=False)
    _loop: asyncio.AbstractEventLoop = field(repr=False)
    _is_open: bool = True
    _pending: set[Future[Sequence[Any]]] = field(default_factory=set, repr=False)

    def execute(self, query: Any, parameters: Parameters = None) -> Sequence[Any]:  # noqa: ANN401
        """The rows, if it has any. Raises what psycopg does."""
        future = asyncio.run_coroutine_threadsafe(self._execute(query, parameters), self._loop)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future.result()

    def close(self) -> None:
        """The block is about to end, and waits for no statement that is on its way."""
        self._is_open = False
        for future in tuple(self._pending):
            future.cancel()

    async def _execute(self, query: Any, parameters: Parameters) -> Sequence[Any]:  # noqa: ANN401
        if not self._is_open:
            raise LeftUnusable("the message took too long, and its transaction is over")
        cursor = await self._connection.execute(query, parameters)
        return await cursor.fetchall() if cursor.description else ()
