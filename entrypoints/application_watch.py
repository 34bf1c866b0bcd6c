"""Looks how the applications stand, for the metrics: one look for all of them, now and then.

An exporter waits for no database, and whoever reads `/metrics` has none looked into.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import structlog

from postroom.application.ports import ApplicationSurvey, Clock
from postroom.domain.failure import Failure
from postroom.entrypoints.telemetry.applications import hide_applications, show_applications
from postroom.entrypoints.telemetry.instruments import Instruments
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

EVERY = timedelta(seconds=30)
"""Metrics are collected once or twice as often."""


@dataclass(frozen=True, slots=True)
class ApplicationWatch:
    survey: ApplicationSurvey
    instruments: Instruments
    clock: Clock
    every: timedelta = EVERY

    async def run(self) -> NoReturn:
        while True:
            await self._look()
            await self.clock.sleep(self.every)

    async def _look(self) -> None:
        try:
            surveyed = await self.survey.applications()
        except Failure:  # others say that the database is away
            hide_applications(self.instruments)
        except Exception as error:  # noqa: BLE001 - what the process is for goes on without it
            hide_applications(self.instruments)
            log.error("application watch crashed", **error_fields(error))  # noqa: TRY400
        else:
            show_applications(self.instruments, surveyed, self.clock.now())
