"""Keeps logged-in connections for the next fetch of the same account."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.connection import Connection
from postroom.adapters.imap.errors import ConnectionLost
from postroom.domain.failure import Unavailable

ResultT = TypeVar("ResultT")


@dataclass(eq=False)
class ConnectionPool:
    """At most *size* connections for one account, since servers allow few (Gmail: 15 in all).

    One that was not used for *idle_for* is closed. A caller waits up to *patience* for its turn.
    """

    client: ImapClient
    size: int = 3
    idle_for: timedelta = timedelta(minutes=1)
    patience: timedelta = timedelta(minutes=1)
    _turns: dict[ImapAccount, asyncio.Semaphore] = field(init=False, repr=False)
    _idle: dict[ImapAccount, dict[Connection, asyncio.TimerHandle]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._turns = defaultdict(lambda: asyncio.Semaphore(self.size))
        self._idle = defaultdict(dict)

    @asynccontextmanager
    async def borrow(
        self, account: ImapAccount, *, fresh: bool = False
    ) -> AsyncIterator[Connection]:
        """A connection of our own for the block; a *fresh* one replaces all that lie idle.

        Raises Unavailable, AccessFailed.
        """
        await self._take_turn(account)
        try:
            if fresh:
                self._close_idle(account)
            connection = self._reuse(account) or await self.client.connect(account)
            try:
                yield connection
            finally:
                self._put_back(account, connection)
        finally:
            self._turns[account].release()

    async def use(
        self, account: ImapAccount, work: Callable[[Connection], Awaitable[ResultT]]
    ) -> ResultT:
        """What *work* makes of a connection, or of another one if the first is lost.

        It may have lain idle for too long: that says nothing of the server.
        """
        try:
            async with self.borrow(account) as connection:
                return await work(connection)
        except ConnectionLost:
            async with self.borrow(account, fresh=True) as connection:
                return await work(connection)

    async def aclose(self) -> None:
        """Close what lies idle. To be called when nothing is borrowed any more."""
        idle = [connection for lane in self._idle.values() for connection in lane]
        for account in list(self._idle):
            self._close_idle(account)
        await asyncio.gather(*(connection.aclose() for connection in idle))

    async def _take_turn(self, account: ImapAccount) -> None:
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                await self._turns[account].acquire()
        except TimeoutError as error:
            raise Unavailable(f"all {self.size} IMAP connections are busy") from error

    def _reuse(self, account: ImapAccount) -> Connection | None:
        lane = self._idle[account]
        while lane:
            connection, expiry = lane.popitem()
            expiry.cancel()
            if connection.is_open:
                return connection
        return None

    def _put_back(self, account: ImapAccount, connection: Connection) -> None:
        if connection.is_open:
            self._idle[account][connection] = asyncio.get_running_loop().call_later(
                self.idle_for.total_seconds(), self._expire, account, connection
            )

    def _expire(self, account: ImapAccount, connection: Connection) -> None:
        del self._idle[account][connection]
        connection.close()

    def _close_idle(self, account: ImapAccount) -> None:
        for connection, expiry in self._idle.pop(account, {}).items():
            expiry.cancel()
            connection.close()
