"""The use cases, watched: the same signatures, with events, spans and metrics around them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from postroom.application.consume_job import Consume, Consumed
from postroom.application.ingest_pointer import Ingest, Ingested, MailboxRef
from postroom.application.ports import Claim
from postroom.domain.addresses import without_addresses
from postroom.domain.failure import Failure
from postroom.domain.outcome import Dead, Retry, name_of
from postroom.domain.pointer import Pointer
from postroom.entrypoints.telemetry import events
from postroom.entrypoints.telemetry.messaging import Operation, processing, sending
from postroom.entrypoints.telemetry.privacy import error_type
from postroom.entrypoints.telemetry.sdk import Telemetry
from postroom.entrypoints.telemetry.tracing import traceparent_of


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
                    mailbox,
                    pointers,
                    traceparent=traceparent_of(operation.span),
                    backfilled=backfilled,
                )
            except Failure as failure:
                events.enqueue_failed(mailbox, len(pointers), failure)
                raise
            if len(ingested.jobs) == 1:
                operation.span.set_attribute("messaging.message.id", ingested.jobs[0].id)
            events.enqueued(ingested)
            return ingested

    return observed


@dataclass(frozen=True, slots=True)
class ObservedConsume(Consume):
    """*consume*, told about, in a trace that began where the pointer came in."""

    consume: Consume
    telemetry: Telemetry

    async def __call__(self, claim: Claim) -> Consumed:
        with self._processing(claim) as operation:
            events.claimed(claim)
            consumed = await self.consume(claim)
            self._conclude(operation, claim, consumed)
            return consumed

    async def overran(self, claim: Claim, limit: timedelta) -> Consumed:
        with self._processing(claim) as operation:
            consumed = await self.consume.overran(claim, limit)
            self._conclude(operation, claim, consumed)
            return consumed

    def _processing(self, claim: Claim) -> AbstractContextManager[Operation]:
        return processing(
            self.telemetry, claim.job.id, traceparent=claim.job.traceparent, details=_details(claim)
        )

    def _conclude(self, operation: Operation, claim: Claim, consumed: Consumed) -> None:
        if consumed.bug:
            events.crashed(claim, consumed.bug)
        events.consumed(claim, consumed)
        outcome = name_of(consumed.outcome) if consumed.settled else "lost"
        operation.span.set_attribute("postroom.outcome", outcome)
        if consumed.bug:
            operation.failed(error_type(consumed.bug))
        elif isinstance(consumed.outcome, Retry | Dead) or not consumed.settled:
            operation.failed(outcome)
        self.telemetry.instruments.outcomes.add(
            1, {"provider": claim.job.pointer.provider, "outcome": outcome}
        )


def _details(claim: Claim) -> dict[str, str | int | float]:
    return {
        f"postroom.{name}": without_addresses(value) if isinstance(value, str) else value
        for name, value in events.claim_fields(claim).items()
        if name != "job"
    }
