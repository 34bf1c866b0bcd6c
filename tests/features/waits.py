"""Waits that end when the clock of the scenario has come to their end."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from postroom.application.ports import Clock
from postroom.entrypoints.tasks import cancel

T = TypeVar("T")


class Waits:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: dict[asyncio.Future[None], datetime] = {}

    @property
    def count(self) -> int:
        """How many are not over."""
        return sum(not end.done() for end in self._ends)

    async def sleep(self, seconds: float) -> None:
        end = asyncio.get_running_loop().create_future()
        self._ends[end] = self._clock.now() + timedelta(seconds=seconds)
        try:
            await end
        finally:
            del self._ends[end]

    async def race(self, waiting: Coroutine[Any, Any, T], within: timedelta) -> T | None:
        """What *waiting* returns, or None if the time is over first."""
        first = asyncio.ensure_future(waiting)
        second = asyncio.ensure_future(self.sleep(within.total_seconds()))
        try:
            await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
            return first.result() if first.done() else None
        finally:
            await cancel([first, second])

    def end_due(self) -> None:
        now = self._clock.now()
        for end, at in self._ends.items():
            if at <= now and not end.done():
                end.set_result(None)
