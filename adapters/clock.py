"""The host's clock."""

import asyncio
from datetime import UTC, datetime, timedelta

from postroom.application.ports import Clock


class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place that reads it

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())
