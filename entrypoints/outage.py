"""One outage of a store of ours: said once, sat out in pauses that grow, and over once."""

import asyncio
from dataclasses import dataclass, field

import structlog

from postroom.domain.failure import Unavailable

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two tries of a store that is away."""


@dataclass(slots=True)
class Outage:
    """Logs once that *what* is unreachable, and once that it is reachable again."""

    what: str
    _since: float | None = field(default=None, init=False)
    _pause: float = field(default=FIRST_PAUSE, init=False)

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def began(self, failure: Unavailable) -> None:
        if self._since is None:
            self._since = asyncio.get_running_loop().time()
            event = f"{self.what} unreachable"
            log.error(event, reason=failure.reason)

    async def sit_out(self, failure: Unavailable) -> None:
        self.began(failure)
        await self.pause()

    async def pause(self) -> None:
        """For longer each time."""
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def is_over(self) -> None:
        if self._since is not None:
            seconds = asyncio.get_running_loop().time() - self._since
            event = f"{self.what} reachable again"
            log.info(event, seconds=round(seconds, 1))
        self._since, self._pause = None, FIRST_PAUSE
