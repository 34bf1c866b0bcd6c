"""Distributes events to subscribers, as they are written. Any number of processes may.

A loop of its own: whatever becomes of an event, mail is handed over meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import structlog

from postroom.domain.failure import Unavailable
from postroom.entrypoints.outage import Outage
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributor:
    """*wake* is called when subscribers have something waiting."""

    distribute: Callable[[], Awaitable[int]]
    wake: Callable[[], None]
    look_every: timedelta = LOOK_EVERY

    async def run(self, stop: asyncio.Event) -> None:
        """Distribute until *stop*. A batch that is cut off then is distributed again, whole."""
        looking = asyncio.create_task(self._look())
        try:
            await stop.wait()
        finally:
            await cancel([looking])

    async def _look(self) -> NoReturn:
        outage = Outage("database")
        while True:
            try:
                if await self.distribute():
                    self.wake()
            except Unavailable as failure:
                await outage.sit_out(failure)
                continue
            except Exception as error:  # noqa: BLE001 - the next look may fare better
                log.error("events not distributed", **error_fields(error))  # noqa: TRY400
            outage.is_over()
            await asyncio.sleep(self.look_every.total_seconds())
