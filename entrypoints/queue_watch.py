"""Watches over the queue, beat by beat. Any number of processes may."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import structlog

from postroom.application.ports import Clock
from postroom.application.watch_queue import Watch
from postroom.domain.failure import Failure
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

BEAT_EVERY = timedelta(seconds=2)
"""So soon a loss is noticed. One that is shorter may pass between two beats."""


@dataclass(slots=True)
class QueueWatch:
    """*failed_with* is why the last beat failed, if it did: it is logged when that changes."""

    watch: Watch
    clock: Clock
    every: timedelta = BEAT_EVERY
    failed_with: str = ""

    async def run(self) -> NoReturn:
        while True:
            await self._beat()
            await self.clock.sleep(self.every)

    async def _beat(self) -> None:
        try:
            await self.watch()
        except Failure as failure:
            if failure.reason != self.failed_with:
                log.warning("queue not watched", reason=failure.reason)
            self.failed_with = failure.reason
        except Exception as error:  # noqa: BLE001 - the mail comes on without it
            log.error("queue watch crashed", **error_fields(error))  # noqa: TRY400
        else:
            if self.failed_with:
                log.info("queue watched again")
            self.failed_with = ""
