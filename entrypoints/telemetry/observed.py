"""The use cases, watched: the same signatures, with events, spans and metrics around them."""

from collections.abc import Awaitable, Callable, Sequence

from postroom.application.consume_job import Consumed
from postroom.application.ingest_pointer import Ingest, Ingested, MailboxRef
from postroom.application.ports import Claim
from postroom.domain.failure import Failure
from postroom.domain.outcome import Dead, Retry, name_of
from postroom.domain.pointer import Pointer
from postroom.entrypoints.telemetry import events
from postroom.entrypoints.telemetry.messaging import Operation, processing, sending
from postroom.entrypoints.telemetry.privacy import without_addresses
from postroom.entrypoints.telemetry.sdk import Telemetry
from postroom.entrypoints.telemetry.tracing import current_traceparent

Consume = Callable[[Claim], Awaitable[Consumed]]
"""What `ConsumeJob` does."""


def observed_ingest(ingest: Ingest, telemetry: Telemetry) -> Ingest:
    """*ingest*, told about. The jobs carry the context of the span that sent them."""

    async def observed(
        mailbox: MailboxRef,
        pointers: Sequence[Pointer],
        *,
        traceparent: str = "",
        backfilled: bool = False,
    ) -> Ingested:
        if not pointers:
            return await ingest(mailbox, pointers, traceparent=traceparent)
        with sending(telemetry, len(pointers), traceparent=traceparent) as operation:
            try:
                ingested = await ingest(
                    mailbox, pointers, traceparent=current_traceparent(), backfilled=backfilled
                )
            except Failure as failure:
                events.enqueue_failed(mailbox, len(pointers), failure)
                raise
            if len(ingested.jobs) == 1:
                operation.span.set_attribute("messaging.message.id", ingested.jobs[0].id)
            events.enqueued(ingested)
            return ingested

    return observed


def observed_consume(consume: Consume, telemetry: Telemetry) -> Consume:
    """*consume*, told about, in a trace that began where the pointer came in."""

    async def observed(claim: Claim) -> Consumed:
        with processing(
            telemetry, claim.job.id, traceparent=claim.job.traceparent, details=_details(claim)
        ) as operation:
            events.claimed(claim)
            try:
                consumed = await consume(claim)
            except Exception as error:
                events.crashed(claim, error)
                raise
            events.consumed(claim, consumed)
            _conclude(telemetry, operation, claim, consumed)
            return consumed

    return observed


def _details(claim: Claim) -> dict[str, str | int]:
    return {
        f"postroom.{name}": without_addresses(value) if isinstance(value, str) else value
        for name, value in events.claim_fields(claim).items()
        if name != "job"
    }


def _conclude(telemetry: Telemetry, operation: Operation, claim: Claim, consumed: Consumed) -> None:
    outcome = name_of(consumed.outcome) if consumed.settled else "lost"
    operation.span.set_attribute("postroom.outcome", outcome)
    if isinstance(consumed.outcome, Retry | Dead) or not consumed.settled:
        operation.failed(outcome)
    telemetry.instruments.outcomes.add(
        1, {"provider": claim.job.pointer.provider, "outcome": outcome}
    )
