"""Consume one claimed job: fetch what it points at, handle the message once, settle the claim."""

from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar, assert_never

from postroom.application.evidence import Evidence, Mark
from postroom.application.judge_failure import JudgeFailure
from postroom.application.mail_in_hand import MailInHand
from postroom.application.note_answer import NoteAnswer
from postroom.application.ports import (
    Claim,
    Clock,
    EmailProcessor,
    FetchedMessage,
    IdempotencyLedger,
    Kind,
    MailboxRegistry,
    Offload,
    OutcomeRecord,
    Outcomes,
    PointerConsumer,
    Provider,
)
from postroom.application.providers import Providers
from postroom.application.remove_blobs import GRACE
from postroom.application.slow_calls import AGAIN_AFTER, SlowCalls
from postroom.application.track_sources import SourceTracker
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.failure import (
    AccessFailed,
    Contended,
    Failure,
    StoreUnavailable,
    Unavailable,
)
from postroom.domain.identity import identify
from postroom.domain.inbound_age import InboundAge
from postroom.domain.mail.message import InboundMessage, Message
from postroom.domain.mail.reader import read_message
from postroom.domain.mail.trusted_servers import NOBODY, TrustedServers
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import (
    Accepted,
    Completed,
    Dead,
    Deferred,
    Duplicate,
    Expanded,
    Final,
    Outcome,
    Retry,
    Skipped,
)
from postroom.domain.retry import CONTENDED, RetryPolicy

UNKNOWN_MAILBOX = "unknown mailbox"
"""The mailbox was removed, or never was: there is nobody to hand the message to."""

SET_ASIDE = timedelta(minutes=5)
"""How soon a job is tried again whose mailbox is paused, or off, or cannot be opened."""

BEHIND_FOR = timedelta(seconds=30)
"""How soon a job is tried again whose application takes no more."""
PREPARED_FOR = GRACE / 2
"""How long what a processor has prepared is good for: its blobs are not there for ever."""


FinalT = TypeVar("FinalT", bound=Final)


@dataclass(frozen=True, slots=True)
class Consumed:
    """How an attempt ended, and whether the claim was still ours when it was settled.

    *bug* is the error that nobody foresaw, if one has ended it.
    """

    outcome: Outcome
    settled: bool
    bug: Exception | None = None


class Consume(Protocol):
    """What `ConsumeJob` does, for those who are handed it observed."""

    @abstractmethod
    async def __call__(self, claim: Claim) -> Consumed: ...

    @abstractmethod
    async def overran(self, claim: Claim, limit: timedelta) -> Consumed: ...


@dataclass(frozen=True, slots=True)
class ConsumeJob(Consume):
    queue: PointerConsumer
    registry: MailboxRegistry
    providers: Providers
    sources: SourceTracker
    trigger_sync: TriggerSync
    slow_calls: SlowCalls
    in_hand: MailInHand
    ledger: IdempotencyLedger
    offload: Offload
    processor: EmailProcessor
    outcomes: Outcomes
    evidence: Evidence
    answered: NoteAnswer
    judge: JudgeFailure
    clock: Clock
    policy: RetryPolicy
    inbound_age: InboundAge

    async def __call__(self, claim: Claim) -> Consumed:
        """Attempt the job and settle its claim. Raises StoreUnavailable: then it is not settled."""
        return await self._consumed(claim, self._attempt(claim))

    async def overran(self, claim: Claim, limit: timedelta) -> Consumed:
        """Settle the claim of an attempt that was stopped, since it took longer than *limit*."""
        failure = Unavailable(f"took longer than {limit.total_seconds():g} s")
        return await self._consumed(claim, self._attempt(claim, failed=failure))

    async def _consumed(self, claim: Claim, attempt: Awaitable[Outcome]) -> Consumed:
        bug: Exception | None = None
        outcome: Outcome
        try:
            outcome = await attempt
        except Contended as failure:
            outcome = Deferred(CONTENDED, failure.reason)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a bug that one message meets is charged to it
            bug, outcome = error, await self._charge(claim, f"a bug: {type(error).__name__}")
        return Consumed(outcome, await self._settle(claim, outcome), bug)

    async def _attempt(self, claim: Claim, *, failed: Failure | None = None) -> Outcome:
        """*failed* is what an attempt has met that was stopped."""
        if claim.unreadable:
            return await self._end(claim, Dead(claim.unreadable))
        job = claim.job
        try:
            mailbox = await self.registry.get(job.tenant, job.mailbox)
            provider = self.providers.serving(job.pointer.provider)
        except AccessFailed as failure:  # its credentials are unreadable, or of another release
            return await self._set_aside(claim, failure.reason, SET_ASIDE)
        if mailbox is None:
            return await self._end_unknown(claim)
        if failed:
            return await self._judged(claim, mailbox, failed, mark=self.evidence.mark())
        return await self._handle(claim, mailbox, provider)

    async def _end_unknown(self, claim: Claim) -> Dead:
        job = claim.job
        if claim.probation is not None:  # it backed off as its mailbox was removed: nobody answers
            await self.queue.resume(job.tenant, job.mailbox)
        return await self._end(claim, Dead(UNKNOWN_MAILBOX))

    async def _set_aside(self, claim: Claim, reason: str, wait: timedelta) -> Deferred:
        """Have the job wait with its whole lane: those behind it would only meet the same."""
        await self.queue.pause(claim.job.tenant, claim.job.mailbox, reason, delay=wait)
        return Deferred(wait, reason, with_lane=True)

    async def _handle(self, claim: Claim, mailbox: Mailbox, provider: Provider) -> Outcome:
        pointer = claim.job.pointer
        if reason := self._stopped(mailbox):
            return await self._set_aside(claim, reason, SET_ASIDE)
        if pointer.changed_folder is not None:
            return await self._end(claim, await self.trigger_sync(mailbox, pointer))
        if pointer.source and (name := await self.ledger.handled(mailbox, pointer.source)):
            return await self._end(claim, Duplicate(), identity=name)  # not fetched, nor judged
        sources = provider.sources_of(mailbox.account)
        if wait := await self.sources.wait(sources, is_new=claim.probation is None):
            return await self._set_aside(claim, f"{provider.title} is away", wait)
        if self.slow_calls.are_too_many(mailbox.tenant, sources):
            return await self._set_aside(claim, f"{provider.title} is slow", AGAIN_AFTER)
        return await self._handle_unless_behind(claim, mailbox, provider)

    async def _handle_unless_behind(
        self, claim: Claim, mailbox: Mailbox, provider: Provider
    ) -> Outcome:
        if reason := await self.processor.obstacle(mailbox):
            return await self._set_aside(claim, reason, BEHIND_FOR)
        async with self.in_hand.one(mailbox.tenant):
            return await self._fetch(claim, mailbox, provider)

    def _stopped(self, mailbox: Mailbox) -> str:
        """Why nothing of the mailbox is to be handled now; empty if it is."""
        if self.providers.ingress.is_off(mailbox.provider):
            return self.providers.ingress.obstacle(mailbox.provider)
        return f"the mailbox is paused: {mailbox.paused.reason}" if mailbox.paused else ""

    async def _fetch(self, claim: Claim, mailbox: Mailbox, provider: Provider) -> Outcome:
        mark, sources = self.evidence.mark(), provider.sources_of(mailbox.account)
        try:
            with self.slow_calls.calling(mailbox.tenant, sources):
                fetched = await provider.fetcher.fetch(mailbox, claim.job.pointer)
            await self.answered(claim, mailbox)
            return await self._take_in(claim, mailbox, provider, fetched)
        except Failure as failure:
            with self.slow_calls.calling(mailbox.tenant, sources):  # it may need evidence
                return await self._judged(claim, mailbox, failure, mark=mark)

    async def _take_in(
        self, claim: Claim, mailbox: Mailbox, provider: Provider, fetched: FetchedMessage
    ) -> Outcome:
        job = claim.job
        if not job.backfilled and self.inbound_age.is_too_old(fetched.received_at, job.enqueued_at):
            return await self._end(claim, Skipped(self.inbound_age.reason))
        raw = fetched.raw
        message = await self.offload(Kind.MAIL, read_message, raw, size=len(raw))
        inbound = as_inbound(fetched, message, provider.trusted_servers(mailbox.account))
        prepared_at = self.clock.now()
        process = await self.processor.prepare(mailbox, inbound, job)
        if isinstance(process, Skipped):
            return await self._end(claim, process, identity=inbound.identity.name)
        # No connection to the database is held before there is something to write.
        ledger_block = self.ledger.once(mailbox, inbound.identity, inbound.received_at)
        async with self.processor.place(mailbox), ledger_block as is_new:
            if self.clock.now() - prepared_at > PREPARED_FOR:  # the host was suspended
                raise Contended("the message was prepared too long ago")
            outcome = await process() if is_new else Duplicate()
            # In the block, so that an effect and the record of it are kept or lost together.
            return await self._end(claim, outcome, identity=inbound.identity.name)

    async def _judged(
        self, claim: Claim, mailbox: Mailbox, failure: Failure, *, mark: Mark
    ) -> Outcome:
        match await self.judge(claim, mailbox, failure, mark=mark):
            case Skipped() | Dead() as final:
                was_handled = await self._was_handled(claim)
                return await self._end(claim, Duplicate() if was_handled else final)
            case decision:
                return decision

    async def _was_handled(self, claim: Claim) -> bool:
        """Whether the job has ended well before: it was queued again by a late notification."""
        job = claim.job
        records = await self.outcomes.find(job.tenant, job_id=job.id)
        return any(
            isinstance(record.outcome, Completed | Accepted | Duplicate) for record in records
        )

    async def _charge(self, claim: Claim, reason: str) -> Retry | Dead:
        decision = self.policy.charge(reason, attempt=claim.attempt)
        if isinstance(decision, Dead):
            await self._end(claim, decision)
        return decision

    async def _end(self, claim: Claim, outcome: FinalT, *, identity: str = "") -> FinalT:
        await self.outcomes.record(
            OutcomeRecord(
                job=claim.job,
                outcome=outcome,
                attempt=claim.attempt,
                at=self.clock.now(),
                identity=identity,
            )
        )
        return outcome

    async def _settle(self, claim: Claim, outcome: Outcome) -> bool:
        match outcome:
            case Completed() | Accepted() | Duplicate() | Skipped() | Expanded():
                return await self.queue.acknowledge(claim)
            case Retry(after=delay, reason=reason):
                return await self.queue.retry(claim, delay, reason)
            case Deferred(after=delay, reason=reason, with_lane=with_lane):
                own = timedelta() if with_lane else delay
                return await self.queue.defer(claim, own, reason)
            case Dead(reason=reason):
                return await self.queue.bury(claim, reason)
            case _:
                assert_never(outcome)


def as_inbound(
    fetched: FetchedMessage, message: Message, trusted: TrustedServers = NOBODY
) -> InboundMessage:
    """*message* is what *fetched* says; here it gets its name."""
    return InboundMessage(
        identity=identify(message.message_id, source=fetched.source, digest=message.content_digest),
        received_at=fetched.received_at,
        raw=fetched.raw,
        message=message,
        hints=fetched.hints,
        trusted=trusted,
    )
