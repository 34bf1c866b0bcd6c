"""One connection to each database that has an inbox table, while it is used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.waiting import wait_async

Result = TypeVar("Result")

IDLE_FOR = 30.0
"""Seconds after which a connection that nobody uses is closed."""

_INTERVAL = 0.1  # seconds: psycopg's own

# A peer that vanishes without a word is noticed by the kernel: seconds, and milliseconds for the
# last (PostgreSQL manual, section 34.1.2).
_OPTIONS: dict[str, str | int] = {
    "client_encoding": "UTF8",
    "fallback_application_name": "postroom",
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Connection(psycopg.AsyncConnection[TupleRow]):
    """Hangs up at once when it is cancelled, where psycopg goes on to wait for ten seconds.

    The server rolls back then, unless it has been sent the COMMIT.
    """

    async def wait(
        self,
        gen: PQGen[Result],
        interval: float = _INTERVAL,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's signature
    ) -> Result:
        """All that psycopg exchanges with the server once it is connected passes through here."""
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


@dataclass(eq=False)
class _Line:
    """To one database: who wants the connection waits in line."""

    conninfo: str = field(repr=False)
    connection: Connection | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    closing: asyncio.TimerHandle | None = None

    async def ready(self) -> Connection:
        """The connection, which answers; another one where it does no more."""
        if self.connection and not await _answers(self.connection):
            self.hang_up()
        if not self.connection:
            self.connection = await Connection.connect(
                make_conninfo(self.conninfo, **_OPTIONS),
                autocommit=True,
                prepare_threshold=None,  # a pooler may give each transaction another connection
            )
        return self.connection

    def close_later(self) -> None:
        if self.closing:
            self.closing.cancel()
        self.closing = asyncio.get_running_loop().call_later(IDLE_FOR, self._close_idle)

    def _close_idle(self) -> None:
        if not self.turn.locked():  # who has it closes it later
            self.hang_up()

    def hang_up(self) -> None:
        if self.closing:
            self.closing.cancel()
        if self.connection:
            self.connection.pgconn.finish()
        self.connection = self.closing = None


class Connections:
    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def lend(self, conninfo: str) -> AsyncIterator[Connection]:
        """Its block has the connection for itself. Raises psycopg.Error.

        A block that fails gets the connection closed, in whatever state that is.
        """
        line = self._lines.setdefault(conninfo, _Line(conninfo))
        async with line.turn:
            try:
                yield await line.ready()
            except BaseException:
                line.hang_up()
                raise
            finally:
                line.close_later()

    def close(self) -> None:
        for line in self._lines.values():
            line.hang_up()
        self._lines.clear()


async def _answers(connection: Connection) -> bool:
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        return False
    try:
        await connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
