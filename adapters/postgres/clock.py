"""The database's clock: one time for all processes, whatever their hosts' clocks say.

What one process stores another compares with its own time: when a folder is due, how long a claim
lasts, whether a message is too old. So all go by one clock, and the database is what they share.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from postroom.adapters.postgres.database import Database
from postroom.application.ports import Clock
from postroom.domain.failure import Failure

EVERY = timedelta(minutes=1)
AGAIN = timedelta(seconds=5)
"""How soon the database is asked again after it could not be."""

SLOWEST = 2.0
"""Seconds that an answer may take: it may be wrong by half of that. A process that was stalled
meanwhile would be off by half of its stall, so it goes by what it knows.
"""

WITHIN = timedelta(seconds=2)
"""How long the start of a process may wait for it."""


@dataclass(slots=True)
class DatabaseClock(Clock):
    """The *host*'s time until the database could be asked.

    From then on time passes by *monotonic* (seconds), which nobody sets. *skewed* is called with
    how far the host's clock is ahead, every minute: a command is done by then.
    """

    host: Clock
    monotonic: Callable[[], float] = time.monotonic
    skewed: Callable[[timedelta], None] = lambda _: None
    _known: tuple[datetime, float] | None = field(default=None, init=False)

    def now(self) -> datetime:
        if self._known is None:
            return self.host.now()
        moment, at = self._known
        return moment + timedelta(seconds=self.monotonic() - at)

    async def sleep(self, duration: timedelta) -> None:
        await self.host.sleep(duration)

    @asynccontextmanager
    async def following(self, database: Database) -> AsyncIterator[None]:
        """Follow the clock of *database* while the block lasts. It may be away."""
        with suppress(Failure, TimeoutError):
            async with asyncio.timeout(WITHIN.total_seconds()):
                await self.ask(database)
        task = asyncio.create_task(self._follow(database))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self, database: Database) -> NoReturn:
        while True:
            await self.host.sleep(EVERY if self._known else AGAIN)
            with suppress(Failure):
                await self.ask(database)
                self.skewed(self.host.now() - self.now())

    async def ask(self, database: Database) -> None:
        """Set ourselves by *database*. Raises Unavailable."""
        async with database.across_tenants() as connection:
            before = self.monotonic()
            rows = await connection.execute("SELECT clock_timestamp()")
            [(moment,)] = await rows.fetchall()
            after = self.monotonic()
        if self._known is None or after - before <= SLOWEST:
            self._known = moment, (before + after) / 2
