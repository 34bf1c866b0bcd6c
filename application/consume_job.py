"""Consume one claimed job: fetch what it points at, handle the message once, settle the claim."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

from postroom.application.ports import (
    Claim,
    Clock,
    EmailProcessor,
    FetchedMessage,
    IdempotencyLedger,
    MailboxRegistry,
    OutcomeRecord,
    Outcomes,
    PointerConsumer,
)
from postroom.application.providers import Providers
from postroom.application.track_access import AccessTracker, tracking
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.failure import AccessFailed, Failure, Throttled
from postroom.domain.identity import identify
from postroom.domain.inbound_age import InboundAge
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mail.reader import read_message
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import (
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
from postroom.domain.retry import RetryPolicy

UNKNOWN_MAILBOX = "unknown mailbox"
"""The mailbox was removed, or never was: there is nobody to hand the message to."""


class MailboxPaused(AccessFailed):
    """Nobody has to look at the job: its mailbox waits, and so does it."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """How an attempt ended, and whether the claim was still ours when it was settled."""

    outcome: Outcome
    settled: bool


@dataclass(frozen=True, slots=True)
class ConsumeJob:
    queue: PointerConsumer
    registry: MailboxRegistry
    providers: Providers
    trigger_sync: TriggerSync
    ledger: IdempotencyLedger
    process: EmailProcessor
    outcomes: Outcomes
    access: AccessTracker
    clock: Clock
    policy: RetryPolicy
    inbound_age: InboundAge

    async def __call__(self, claim: Claim) -> Consumed:
        """Attempt the job and settle its claim. What is no Failure escapes; the lease then ends."""
        outcome = await self._attempt(claim)
        return Consumed(outcome, await self._settle(claim, outcome))

    async def _attempt(self, claim: Claim) -> Outcome:
        if claim.unreadable:
            return await self._end(claim, Dead(claim.unreadable))
        # A message that kills its worker never gets to be settled: only its crashes tell.
        if self.policy.exhausted(claim.crashes + 1):
            return await self._end(
                claim, Dead(f"gave up: {claim.crashes} deliveries, none of them settled")
            )
        try:
            return await self._handle(claim)
        except Failure as failure:
            decision = self.policy.decide(failure, attempt=claim.attempt)
            if isinstance(failure, Throttled | MailboxPaused) and isinstance(decision, Deferred):
                # It is about the mailbox: the jobs behind this one would only meet the same.
                job, reason, delay = claim.job, decision.reason, decision.after
                await self.queue.pause(job.tenant, job.mailbox, reason, delay=delay)
        match decision:
            case Skipped() | Dead():
                return await self._end(claim, decision)
            case Retry() | Deferred():
                return decision

    async def _handle(self, claim: Claim) -> Outcome:
        job = claim.job
        mailbox = await self.registry.get(job.tenant, job.mailbox)
        if mailbox is None:
            return await self._end(claim, Dead(UNKNOWN_MAILBOX))
        if mailbox.paused:
            raise MailboxPaused(f"the mailbox is paused: {mailbox.paused.reason}")
        if job.pointer.changed_folder is not None:
            return await self._end(claim, await self.trigger_sync(mailbox, job.pointer))
        async with tracking(self.access, mailbox):
            fetcher = self.providers.serving(job.pointer.provider).fetcher
            fetched = await fetcher.fetch(mailbox, job.pointer)
        arrived_at = job.enqueued_at
        if not job.backfilled and self.inbound_age.is_too_old(fetched.received_at, arrived_at):
            return await self._end(claim, Skipped(self.inbound_age.reason))
        return await self._once(claim, mailbox, fetched)

    async def _once(self, claim: Claim, mailbox: Mailbox, fetched: FetchedMessage) -> Outcome:
        # In a thread, since 25 MB of hostile MIME take seconds, and leases are renewed meanwhile.
        inbound = await asyncio.to_thread(read_inbound, fetched)
        async with self.ledger.once(mailbox, inbound.identity) as is_new:
            outcome = await self.process(mailbox, inbound) if is_new else Duplicate()
            # In the block, so that an effect and the record of it are kept or lost together.
            return await self._end(claim, outcome, identity=inbound.identity.name)

    async def _end(self, claim: Claim, outcome: Final, *, identity: str = "") -> Final:
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
            case Completed() | Duplicate() | Skipped() | Expanded():
                return await self.queue.acknowledge(claim)
            case Retry(after=delay, reason=reason):
                return await self.queue.retry(claim, delay, reason)
            case Deferred(after=delay, reason=reason):
                return await self.queue.defer(claim, delay, reason)
            case Dead(reason=reason):
                return await self.queue.bury(claim, reason)
            case _:
                assert_never(outcome)


def read_inbound(fetched: FetchedMessage) -> InboundMessage:
    """Read the bytes and name the message. Raises Unprocessable if there is nothing to read."""
    message = read_message(fetched.raw)
    return InboundMessage(
        identity=identify(message.message_id, source=fetched.source, digest=message.content_digest),
        received_at=fetched.received_at,
        raw=fetched.raw,
        message=message,
    )
