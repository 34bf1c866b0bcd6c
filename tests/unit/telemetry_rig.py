"""A worker on a rig of the API's, observed as in production."""

from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan

from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.application.consume_job import Consume
from postroom.application.ingest_pointer import Ingest, IngestPointer
from postroom.application.maintain_folder import MaintainFolder
from postroom.application.ports import Claim, EmailProcessor, IdempotencyLedger, Offload, Prepared
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import TrackAccess
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.folder_sync import SyncIntervals
from postroom.domain.inbound_age import InboundAge
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Effect, Outcome
from postroom.domain.pointer import PointerJob
from postroom.entrypoints.telemetry.observed import ObservedConsume, observed_ingest
from tests.consuming import consuming, track_sources
from tests.unit.api_rig import LEASE, Rig


@dataclass
class Processor(EmailProcessor):
    """Takes every message, or raises the next of *failures*."""

    failures: list[Exception] = field(default_factory=list)

    async def prepare(
        self, _mailbox: Mailbox, _inbound: InboundMessage, _job: PointerJob
    ) -> Prepared:
        return self._process

    async def _process(self) -> Completed:
        if self.failures:
            raise self.failures.pop(0)
        return Completed(Effect.TICKET, "1")


@dataclass
class Worker:
    """What a worker does with the jobs of a rig, one claim after another."""

    rig: Rig
    processor: EmailProcessor = field(default_factory=Processor)
    slow_calls: SlowCalls = field(default_factory=lambda: SlowCalls(places=256))
    ledger: IdempotencyLedger | None = None
    offload: Offload | None = None

    async def work(self) -> list[Outcome]:
        """Consume all that is due."""
        consume, outcomes = self._consume(), []
        while claims := await self.rig.queue.claim(1, LEASE):
            outcomes.append((await consume(claims[0])).outcome)
        return outcomes

    async def consume(self, claim: Claim) -> Outcome:
        return (await self._consume()(claim)).outcome

    async def sync(self) -> None:
        """Sync all folders that are due."""
        maintain = self._maintain()
        for due in await self.rig.folder_syncs.claim_due(self.rig.clock.now(), 10, LEASE):
            await maintain(due)

    def _access(self) -> TrackAccess:
        resume = ResumeMailbox(self.rig.registry, self.rig.queue)
        return TrackAccess(self.rig.registry, self.rig.queue, resume, self.rig.clock)

    def _maintain(self) -> MaintainFolder:
        rig = self.rig
        sync = SyncFolder(
            rig.providers,
            rig.folder_syncs,
            rig.outcomes,
            ingesting(rig),
            rig.clock,
            InboundAge(),
            rig.queue,
        )
        return MaintainFolder(
            registry=rig.registry,
            folder_syncs=rig.folder_syncs,
            providers=rig.providers,
            sync=sync,
            access=self._access(),
            sources=track_sources(rig.clock),
            slow_calls=SlowCalls(places=256),
            pull_states=InMemoryPullStates(),
            clock=rig.clock,
            intervals=SyncIntervals(),
        )

    def _consume(self) -> Consume:
        rig = self.rig
        job = consuming(
            queue=rig.queue,
            registry=rig.registry,
            providers=rig.providers,
            trigger_sync=TriggerSync(rig.folder_syncs, self._maintain(), ingesting(rig), rig.clock),
            slow_calls=self.slow_calls,
            offload=self.offload,
            ledger=self.ledger or InMemoryIdempotencyLedger(rig.database),
            processor=self.processor,
            outcomes=rig.outcomes,
            access=self._access(),
            sources=track_sources(rig.clock),
            clock=rig.clock,
        )
        return ObservedConsume(job, rig.telemetry)


def ingesting(rig: Rig) -> Ingest:
    return observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)


def spans(rig: Rig) -> dict[str, ReadableSpan]:
    return {span.name: span for span in rig.spans.get_finished_spans()}


def is_child(span: ReadableSpan, of: ReadableSpan) -> bool:
    assert span.context
    assert of.context
    return bool(
        span.parent
        and span.parent.span_id == of.context.span_id
        and span.context.trace_id == of.context.trace_id
    )
