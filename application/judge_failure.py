"""Judge a failure: whose it is, what becomes of the message, and what waits (`domain/blame.py`)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import random

from postroom.application.evidence import Evidence, Mark
from postroom.application.note_answer import NoteAnswer
from postroom.application.ports import Claim, LanePauses
from postroom.application.providers import Providers
from postroom.application.track_access import AccessTracker
from postroom.application.track_sources import SourceTracker
from postroom.domain.blame import Scope, needs_evidence, scope_of
from postroom.domain.circuit import probe_after
from postroom.domain.failure import (
    AccessFailed,
    Contended,
    Failure,
    ProcessorFailed,
    SourceGone,
    StoreUnavailable,
    Throttled,
    Unavailable,
    Unprocessable,
)
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Dead, Deferred, Retry, Skipped
from postroom.domain.retry import CONTENDED, RetryPolicy, gone

Judgement = Retry | Deferred | Skipped | Dead


@dataclass(frozen=True, slots=True)
class JudgeFailure:
    providers: Providers
    sources: SourceTracker
    access: AccessTracker
    queue: LanePauses
    evidence: Evidence
    answered: NoteAnswer
    policy: RetryPolicy
    draw: Callable[[], float] = field(default=random, repr=False)

    async def __call__(
        self, claim: Claim, mailbox: Mailbox, failure: Failure, *, mark: Mark
    ) -> Judgement:
        """What becomes of the claim's message, which met *failure* in an attempt begun at *mark*.

        Raises StoreUnavailable if that is what it met: then no message is judged at all.
        """
        match failure:
            case Contended():
                return Deferred(CONTENDED * (1 + self.draw()), failure.reason)
            case StoreUnavailable():
                raise failure
            case Throttled(retry_after=wish):
                return await self._leave_alone(claim, failure.reason, wish)
            case ProcessorFailed():
                return self.policy.charge(failure.reason, attempt=claim.attempt)
            case _:
                return await self._judged(claim, mailbox, failure, mark)

    async def _judged(
        self, claim: Claim, mailbox: Mailbox, failure: Failure, mark: Mark
    ) -> Judgement:
        answers = needs_evidence(failure) and await self.evidence.answers(mailbox, mark)
        if scope_of(failure, mailbox_answers=answers) is not Scope.MESSAGE:
            return await self._back_off(claim, mailbox, failure, mark)
        await self.answered(claim, mailbox)
        match failure:
            case SourceGone():
                return gone(failure.reason, age=claim.since_first)
            case Unprocessable():
                return Dead(failure.reason)
            case _:
                return self.policy.charge(
                    failure.reason, attempt=claim.attempt, wish=_wish(failure)
                )

    async def _leave_alone(self, claim: Claim, reason: str, wish: timedelta) -> Deferred:
        # It is about the mailbox: the jobs behind this one would only meet the same.
        await self.queue.pause(claim.job.tenant, claim.job.mailbox, reason, delay=wish)
        return Deferred(wish, reason, with_lane=True)

    async def _back_off(
        self, claim: Claim, mailbox: Mailbox, failure: Failure, mark: Mark
    ) -> Deferred:
        """Have the lane wait, and then try it one job at a time."""
        away = claim.probation or timedelta()
        wait = max(probe_after(away, self.draw()), _wish(failure) or timedelta())
        await self.queue.back_off(mailbox.tenant, mailbox.id, failure.reason, wait)
        if isinstance(failure, AccessFailed):
            await self.access.failed(mailbox, failure)
        if isinstance(failure, Unavailable):
            source = failure.source or self._sources(mailbox)[0]
            name = f"{mailbox.tenant}/{mailbox.id}"
            await self.sources.failed(source, name, mark=mark.sources)
        return Deferred(wait, failure.reason, with_lane=True)

    def _sources(self, mailbox: Mailbox) -> tuple[str, ...]:
        return self.providers.serving(mailbox.provider).sources_of(mailbox.account)


def _wish(failure: Failure) -> timedelta | None:
    return failure.retry_after if isinstance(failure, Unavailable) else None
