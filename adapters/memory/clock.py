"""A clock that stands still until it is told to move."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postroom.application.ports import Clock


@dataclass
class ManualClock(Clock):
    time: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, duration: timedelta) -> None:
        self.advance(duration)

    def advance(self, by: timedelta) -> None:
        self.time += by
