"""Watches an embedded engine, and starts it again when it has ended.

One that lives and does not answer is named, and left alone: it waits for its disk, or reads its
data, which would take as long again after a kill.
"""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn

import structlog

from postroom.adapters.embedded import EmbeddedServer, EngineError
from postroom.entrypoints.restarting import Backoff, end_fields
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()


@dataclass(slots=True)
class Keeper:
    """For a server that runs, and whose user we are. Any process may start it again before us.

    It is checked *every* so often, and named when it has not answered for *patience*.
    """

    server: EmbeddedServer
    every: timedelta = timedelta(seconds=1)
    patience: timedelta = timedelta(seconds=10)
    backoff: Backoff = field(default_factory=Backoff)
    _well_since: float = math.inf  # by the clock of the loop; not yet since it was started
    _away_since: float | None = None
    _ended: bool = False
    _named: bool = False
    _log_size: int = 0

    async def run(self) -> NoReturn:
        while True:
            try:
                await self._check()
            except Exception as error:  # noqa: BLE001 - a bug must not leave it unwatched
                log.error("engine check crashed", **self._name, **error_fields(error))  # noqa: TRY400
            await asyncio.sleep(self.every.total_seconds())

    async def _check(self) -> None:
        if await asyncio.to_thread(self.server.answers):
            self._is_well(_now())
            return
        if self._away_since is None:
            self._away_since = _now()
        if excuse := await asyncio.to_thread(self._excuse):
            self._does_not_answer(excuse, _now() - self._away_since)
        else:
            await self._has_ended(self._away_since - self._well_since)

    def _excuse(self) -> str:
        """Why it is left alone; empty if it has ended."""
        try:
            if not self.server.lives():
                return ""
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        return self.server.disk_complaint(self._log_size) or "its process lives"

    def _is_well(self, now: float) -> None:
        if self._away_since is not None and (self._ended or self._named):
            event = "engine started again" if self._ended else "engine answers again"
            log.info(event, **self._name, seconds=round(now - self._away_since, 1))
        self._well_since = min(self._well_since, now)
        self._away_since, self._ended, self._named = None, False, False
        self._log_size = self.server.log_size()

    def _does_not_answer(self, excuse: str, away: float) -> None:
        if away >= self.patience.total_seconds() and not self._named:
            self._named = True
            log.error("engine does not answer", **self._name, reason=excuse, seconds=round(away, 1))

    async def _has_ended(self, lived: float) -> None:
        """Start it again. Whether it comes to answer, or ends again, the next checks show."""
        event, known = "engine ended", await asyncio.to_thread(self._known_of_its_end)
        self._ended, self._well_since, self._log_size = True, math.inf, 0
        while True:
            wait = self.backoff.after(lived)
            log.error(event, **self._name, **known, restart_in=wait)
            await asyncio.sleep(wait)
            try:
                await asyncio.to_thread(self.server.start_again)
            except (EngineError, OSError) as error:
                event, known, lived = "engine not started", {"reason": str(error)}, 0.0
            else:
                return

    def _known_of_its_end(self) -> dict[str, str | int]:
        reason = self.server.disk_complaint(self._log_size)
        where = {"reason": reason} if reason else {"log": str(self.server.log)}
        return {**end_fields(self.server.returncode()), **where}

    @property
    def _name(self) -> dict[str, str]:
        return {"engine": self.server.name}


def _now() -> float:
    return asyncio.get_running_loop().time()
