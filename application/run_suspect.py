"""Run a job that is suspected of killing its process, where it can kill nobody else's."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from postroom.application.ports import (
    Claim,
    Clock,
    Locks,
    OutcomeRecord,
    Outcomes,
    PointerConsumer,
)
from postroom.domain.crash import MAX_SOLO_CRASHES, wait_after
from postroom.domain.outcome import Dead

LOCK = "suspect"
"""One suspect at a time in an installation, or two of them would be each other's excuse."""

TAKES_TURNS = timedelta(seconds=5)


class ProcessDied(Exception):
    """The process that ran a suspect has died; *how* is its exit code, or the signal's name."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Isolation(Protocol):
    """Consumes a claim in a process of its own, and settles it there."""

    @abstractmethod
    async def __call__(self, claim: Claim) -> None:
        """Raises ProcessDied."""


class SuspectEvents(Protocol):
    """Is told what comes of suspects: who is the pill, and who was innocent."""

    @abstractmethod
    def began(self, claim: Claim) -> None: ...

    @abstractmethod
    def cleared(self, claim: Claim) -> None:
        """It has ended, or has failed without killing anybody."""

    @abstractmethod
    def killed(self, claim: Claim, how: str, *, dead: bool) -> None:
        """It has killed its process, alone; *dead* if that was once too often."""


@dataclass(frozen=True, slots=True)
class RunSuspect:
    locks: Locks
    isolate: Isolation
    queue: PointerConsumer
    outcomes: Outcomes
    events: SuspectEvents
    clock: Clock

    async def __call__(self, claim: Claim) -> None:
        async with self.locks.held(LOCK) as is_ours:
            if not is_ours:
                await self.queue.defer(claim, TAKES_TURNS, "another suspect runs alone")
                return
            self.events.began(claim)
            try:
                await self.isolate(claim)
            except ProcessDied as death:
                await self._died(claim, death.how)
            else:
                self.events.cleared(claim)

    async def _died(self, claim: Claim, how: str) -> None:
        crashes = claim.solo_crashes + 1
        reason = f"killed the process that ran it alone ({how})"
        if crashes < MAX_SOLO_CRASHES:
            self.events.killed(claim, how, dead=False)
            await self.queue.crashed(claim, wait_after(crashes), reason)
            return
        outcome = Dead(f"{reason}, {crashes} times")
        await self.outcomes.record(
            OutcomeRecord(
                job=claim.job, outcome=outcome, attempt=claim.attempt, at=self.clock.now()
            )
        )
        await self.queue.bury(claim, outcome.reason)
        self.events.killed(claim, how, dead=True)
