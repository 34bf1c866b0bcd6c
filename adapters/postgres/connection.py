"""How we connect: to what, with which names, and for how long we wait for what."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TypeVar

import psycopg
from psycopg import capabilities
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.waiting import wait_async

from postroom.adapters.postgres.errors import NoAnswer

Result = TypeVar("Result")

SHORTEST_CONNECT = 2
"""Seconds: libpq's own minimum. Zero would mean for ever."""

CANCEL_WITHIN = 0.2
"""Seconds for the server to end a statement that nobody waits for any more, before we hang up."""

_INTERVAL = 0.1  # seconds: psycopg's own

SCHEMA = "postroom"
APPLICATION_ROLE = "postroom_app"

# A peer that vanishes without a word is noticed by the kernel: seconds, and milliseconds for the
# last (PostgreSQL manual, section 34.1.2).
_OPTIONS: dict[str, object] = {
    "autocommit": True,
    "client_encoding": "UTF8",
    "fallback_application_name": "postroom",
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Connection(psycopg.AsyncConnection[TupleRow]):
    """Waits no longer than *patience* for an answer, and no longer at all when it is cancelled.

    psycopg waits for ever while the peer's kernel acknowledges what we send, though the server is
    stopped, or a proxy on the way has lost it; and for ten seconds when it is cancelled. A
    connection that still owes us an answer is closed, and so its transaction rolled back.
    """

    patience = timedelta(seconds=35)

    async def wait(
        self,
        gen: PQGen[Result],
        interval: float = _INTERVAL,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's signature
    ) -> Result:
        """All that psycopg exchanges with the server once it is connected passes through here."""
        within = self.patience.total_seconds() if timeout is None else timeout
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=within)
        except asyncio.CancelledError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                await self._interrupt(gen)
            raise
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - it has no public name
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise NoAnswer from None

    async def _interrupt(self, gen: PQGen[Result]) -> None:
        # Not within asyncio.timeout: Python 3.11.2's does not end in a task that is cancelled.
        try:
            if capabilities.has_cancel_safe():  # else it would block
                with suppress(psycopg.Error):
                    await self.cancel_safe(timeout=CANCEL_WITHIN)
                    await wait_async(gen, self.pgconn.socket, _INTERVAL, timeout=CANCEL_WITHIN)
        finally:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()


class InvalidDatabaseUrl(ValueError):
    """The setting is not a connection string; the message does not repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait: *pool* for a free connection, *connect* for the server to let us in, *lock*
    for another transaction, *statement* for one statement, *idle* for a block to go on.

    The server sees to the last three, as long as it can. *answer* is how long we wait for it to
    answer a statement; *transaction* and *block* are for all of a transaction, or a ledger block.
    *idle* and *block* must be longer than the slowest processor takes with one message.
    """

    pool: timedelta = timedelta(seconds=5)
    connect: timedelta = timedelta(seconds=5)
    lock: timedelta = timedelta(seconds=20)
    statement: timedelta = timedelta(seconds=30)
    idle: timedelta = timedelta(minutes=2)
    answer: timedelta = timedelta(seconds=35)
    transaction: timedelta = timedelta(seconds=45)
    block: timedelta = timedelta(minutes=3)


def options(timeouts: Timeouts) -> dict[str, object]:
    """For libpq and psycopg, once a connection."""
    seconds = max(SHORTEST_CONNECT, ceil(timeouts.connect.total_seconds()))
    return {**_OPTIONS, "connect_timeout": seconds}


def settings(timeouts: Timeouts) -> dict[str, str]:
    """For PostgreSQL, once a transaction."""
    return {
        "search_path": SCHEMA,
        "TimeZone": "UTC",
        "statement_timeout": _milliseconds(timeouts.statement),
        "lock_timeout": _milliseconds(timeouts.lock),
        "idle_in_transaction_session_timeout": _milliseconds(timeouts.idle),
    }


def check_conninfo(conninfo: str) -> None:
    """Raises InvalidDatabaseUrl if libpq cannot read *conninfo*, or reads it otherwise than meant.

    Neither the text nor libpq's complaint is repeated, since both may hold the password: an `@` in
    it that is not percent-encoded makes the rest of it the host.
    """
    try:
        read = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        read = {"port": "unreadable"}
    if not re.fullmatch(r"[\d,]*", str(read.get("port", ""))) or "@" in str(read.get("host", "")):
        raise InvalidDatabaseUrl(
            "POSTROOM_DATABASE_URL is not a PostgreSQL URL: write postgresql://user@host:5432/name,"
            " and special characters of the password in percent encoding"
        )


def _milliseconds(wait: timedelta) -> str:
    return str(round(wait.total_seconds() * 1000))
