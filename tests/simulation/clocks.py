"""The time of day: a process has a clock of its own, which may be wrong; a server's is right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import Clock
from tests.simulation.mailboxes import EPOCH
from tests.simulation.network import Link
from tests.simulation.process import PROCESS


def true_time() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


class OwnClock(Clock):
    """That of the process which asks."""

    def now(self) -> datetime:
        process = PROCESS.get()
        return true_time() + (process.skew if process else timedelta())

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


@dataclass(frozen=True)
class TimeServer:
    """What of a database a `DatabaseClock` uses: it goes by the true time."""

    link: Link

    @asynccontextmanager
    async def across_tenants(self) -> AsyncIterator["TimeServer"]:
        async with self.link.connection():
            await self.link.travel(None)
            yield self

    async def execute(self, _: str) -> "TimeServer":
        return self

    async def fetchall(self) -> list[tuple[datetime]]:
        now = true_time()
        await self.link.travel(None)
        return [(now,)]


class TrueClock(OwnClock):
    """What a server, or a provider, goes by, whoever calls it."""

    def now(self) -> datetime:
        return true_time()
