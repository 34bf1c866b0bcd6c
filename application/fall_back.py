"""Have another application stand in for one that is down: for what that has surely not handled."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from postroom.application.backlogs import why_behind
from postroom.application.ports import Applications, Handovers
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.handover.application import Application, Mode
from postroom.domain.handover.fallback import falls_back
from postroom.domain.handover.handover import Handover
from postroom.domain.handover.health import Condition

BATCH = 16
"""Messages that move in one transaction: the bodies of all are in memory, and read as JSON."""


class FallbackEvents(Protocol):
    """Hears that a fallback is wanted, and cannot stand in."""

    @abstractmethod
    def no_fallback(self, application: Application, reason: str) -> None:
        """What waits for *application* goes on waiting for it."""


@dataclass(frozen=True, slots=True)
class FallBack:
    applications: Applications
    handovers: Handovers
    events: FallbackEvents

    async def standby(self, application: Application) -> Application | None:
        """Who is to take over from *application* now. Raises Unavailable."""
        if not application.fallback:
            return None
        health, now = await self.handovers.health(application)
        if not falls_back(application, health, now):
            return None
        try:
            found = await self.applications.get(application.tenant, application.fallback)
        except AccessFailed as failure:
            self.events.no_fallback(application, failure.reason)
            return None
        obstacle = await self._obstacle(found) if found else "it was removed"
        if obstacle:
            self.events.no_fallback(application, obstacle)
            return None
        return found

    async def __call__(self, application: Application, standby: Application) -> Sequence[Handover]:
        """Those that have left *application*, as they are now; none if nothing can just then."""
        try:
            return await self.handovers.fall_back(application, standby, limit=BATCH)
        except Unavailable as failure:
            self.events.no_fallback(application, failure.reason)
            return []

    async def _obstacle(self, standby: Application) -> str:
        """Why it can take nothing; empty if it can."""
        if standby.mode is not Mode.DELIVER:
            return f"it is set to {standby.mode.value}"
        if standby.is_paused:
            return "it is paused"
        health, _ = await self.handovers.health(standby)
        if health.condition is Condition.PAUSED:
            return "it is down, too"
        return "it is behind" if await why_behind(self.handovers, standby) else ""
