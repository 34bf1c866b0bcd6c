"""A clock that stands still until it is told to move."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postroom.application.ports import Clock


@dataclass
class ManualClock(Clock):
    time: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, duration: timedelta) -> None:
        self.advance(max(duration, timedelta()))
        await asyncio.sleep(0)  # a loop that sleeps must not be alone in the world

    def advance(self, by: timedelta) -> None:
        self.time += by
