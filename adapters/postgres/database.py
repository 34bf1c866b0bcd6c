"""Connections and transactions.

Rule 1  Every transaction of a tenant runs as `postroom_app`, which row-level security binds to that
        tenant. All settings end with the transaction, so a connection carries nothing over (and a
        pooler such as PgBouncer may give each transaction another one).
Rule 2  Inside a ledger block, a transaction of the block's tenant is the block itself.
Rule 3  Inside a ledger block nothing else can be opened: it would neither be kept nor be forgotten
        with the block, and blocks that wait for a second connection each could starve.
Rule 4  Every transaction ends within its time (Timeouts), whatever the server, the network or its
        own block does. Where that takes a connection that is not at rest, it is thrown away.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from postroom.adapters.postgres.connection import (
    APPLICATION_ROLE,
    Connection,
    Timeouts,
    check_conninfo,
    options,
    settings,
)
from postroom.adapters.postgres.errors import deadline, translated
from postroom.adapters.postgres.text import StorableText
from postroom.adapters.postgres.together import Statement, together
from postroom.domain.failure import StoreUnavailable

Transaction = Callable[[Connection], AbstractAsyncContextManager[object]]
"""How one is entered, and left."""


@dataclass(slots=True)
class _Block:
    """A ledger block that is open in this task, and in the tasks that it started."""

    database: "Database"
    tenant: str
    connection: Connection
    is_open: bool = True


_block: ContextVar[_Block | None] = ContextVar("postroom_ledger_block", default=None)


class Database:
    """A pool of connections, opened and closed by `async with`.

    Opening does not wait for the server: while that is away every transaction raises Unavailable,
    and when it is back, they work.
    """

    def __init__(
        self, conninfo: str, *, max_size: int = 10, timeouts: Timeouts | None = None
    ) -> None:
        """Raises InvalidDatabaseUrl."""
        check_conninfo(conninfo)
        self._timeouts = timeouts = timeouts or Timeouts()
        self._settings = settings(timeouts)
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo,
            connection_class=Connection,
            kwargs=options(timeouts),
            min_size=1,
            max_size=max_size,
            timeout=timeouts.pool.total_seconds(),
            # As long as a caller waits: what tries on for longer does so at pauses that grow up to
            # minutes, and keeps the next caller from trying at once.
            reconnect_timeout=timeouts.pool.total_seconds(),
            configure=self._configure,
            open=False,
            name="postroom",
        )

    async def __aenter__(self) -> Self:
        await self._pool.open(wait=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[Connection]:
        """A transaction that sees and writes rows of *tenant* only. Raises Unavailable."""
        if block := self._open_block():
            if block.tenant != tenant:
                raise RuntimeError("another tenant's transaction was asked for in a ledger block")
            with translated():
                yield block.connection
        else:
            async with self._begin(_as_tenant(tenant), self._timeouts.transaction) as connection:
                yield connection

    @asynccontextmanager
    async def ledger_block(self, tenant: str) -> AsyncIterator[Connection]:
        """A transaction of *tenant* that others in this task join while it is open."""
        self._refuse_in_block()
        async with self._begin(_as_tenant(tenant), self._timeouts.block) as connection:
            block = _Block(self, tenant, connection)
            token = _block.set(block)
            try:
                yield connection
            finally:
                block.is_open = False
                _block.reset(token)

    @asynccontextmanager
    async def across_tenants(self) -> AsyncIterator[Connection]:
        """As the owner of the tables: to find out whose a thing is, and for what is no tenant's.

        The block may end with a COMMIT of its own, sent with its last statement (`together.py`).
        """
        self._refuse_in_block()
        # With row_security off, a query that a policy would cut short fails. Else a user who does
        # not own the tables would find nothing, and take that for an answer.
        own = self._settings | {"row_security": "off"}
        within = self._timeouts.transaction
        with translated():
            async with deadline(within), self._begun(partial(_by_hand, own)) as connection:
                yield connection

    def of_block(self, tenant: str) -> Connection:
        """That of the ledger block of *tenant* that is open in this task, whose errors are its own.

        Raises RuntimeError if there is none.
        """
        block = self._open_block()
        if block is None or block.tenant != tenant:
            raise RuntimeError("no ledger block of this tenant is open")
        return block.connection

    async def restore_settings(self, connection: Connection, tenant: str) -> None:
        """Of a transaction of *tenant* in which somebody else may have set them."""
        with translated():
            await _set(connection, self._settings | _as_tenant(tenant))

    @property
    def in_ledger_block(self) -> bool:
        return self._open_block() is not None

    @asynccontextmanager
    async def _begin(self, own: dict[str, str], within: timedelta) -> AsyncIterator[Connection]:
        with translated():
            async with deadline(within), self._begun(_transaction) as connection:
                await _set(connection, self._settings | own)
                yield connection
                # COMMIT is a ROLLBACK without an error if a failed statement was passed over, and
                # psycopg does not even send it if the connection is known to be lost.
                if connection.info.transaction_status is not TransactionStatus.INTRANS:
                    raise StoreUnavailable("the transaction failed before it could be committed")

    @asynccontextmanager
    async def _begun(self, enter: Transaction) -> AsyncIterator[Connection]:
        """A connection of the pool that answers, in a transaction."""
        async with self._connection() as connection, AsyncExitStack() as transaction:
            if await _begins(enter(connection), transaction, self._timeouts.connect):
                yield connection
                return
        # Where one is broken (the server was started anew) the others are as well. The pool's own
        # `check` would find that out one by one, and wait for each.
        await self._pool.drain()
        async with self._connection() as connection, enter(connection):
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with self._pool.connection() as connection, _left_when_cancelled(connection):
            yield connection

    async def _configure(self, connection: Connection) -> None:
        connection.patience = self._timeouts.answer
        connection.adapters.register_dumper(str, StorableText)

    def _open_block(self) -> _Block | None:
        block = _block.get()
        return block if block and block.is_open and block.database is self else None

    def _refuse_in_block(self) -> None:
        if self._open_block():
            raise RuntimeError("a second transaction was asked for in a ledger block")


async def _set(connection: Connection, settings: dict[str, str]) -> None:
    """For the transaction."""
    await connection.execute(*_setting(settings))


def _setting(settings: dict[str, str]) -> Statement:
    names = {f"name{n}": name for n, name in enumerate(settings)}
    values = {f"value{n}": value for n, value in enumerate(settings.values())}
    each = [f"set_config(%(name{n})s, %(value{n})s, true)" for n in range(len(settings))]
    return f"SELECT {', '.join(each)}", names | values


def _as_tenant(tenant: str) -> dict[str, str]:
    return {"role": APPLICATION_ROLE, "postroom.tenant": tenant}


@asynccontextmanager
async def _left_when_cancelled(connection: Connection) -> AsyncIterator[None]:
    """Close *connection* rather than wait for a ROLLBACK: the server makes one of that."""
    try:
        yield
    except asyncio.CancelledError:
        connection.pgconn.finish()
        raise


def _transaction(connection: Connection) -> AbstractAsyncContextManager[object]:
    """Of psycopg: nobody who is lent the connection can commit it."""
    return connection.transaction()


@asynccontextmanager
async def _by_hand(settings: dict[str, str], connection: Connection) -> AsyncIterator[None]:
    """A transaction with *settings*, which are set in the same round trip that begins it."""
    await together(connection, ("BEGIN", {}), _setting(settings))
    try:
        yield
    except Exception:
        with suppress(psycopg.Error):
            await connection.rollback()
        raise
    if connection.info.transaction_status not in (
        TransactionStatus.INTRANS,
        TransactionStatus.IDLE,
    ):
        raise StoreUnavailable("the transaction failed before it could be committed")
    await connection.commit()


async def _begins(
    entered: AbstractAsyncContextManager[object], transaction: AsyncExitStack, within: timedelta
) -> bool:
    """Enter a transaction; False if the server does not answer *within* that time."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await transaction.enter_async_context(entered)
    except (psycopg.OperationalError, TimeoutError):
        return False
    return True
