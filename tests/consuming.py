"""A `ConsumeJob` with all that judges its failures, made of the ports that a test brings."""

from postroom.adapters.memory.circuits import InMemoryCircuitStore
from postroom.adapters.memory.offload import AtOnce
from postroom.application.consume_job import ConsumeJob
from postroom.application.evidence import Evidence
from postroom.application.judge_failure import JudgeFailure
from postroom.application.mail_in_hand import MailInHand
from postroom.application.note_answer import NoteAnswer
from postroom.application.ports import (
    Clock,
    EmailProcessor,
    IdempotencyLedger,
    MailboxRegistry,
    Offload,
    Outcomes,
    PointerQueue,
)
from postroom.application.providers import Providers
from postroom.application.slow_calls import SlowCalls
from postroom.application.track_access import AccessTracker
from postroom.application.track_sources import SourceTracker, TrackSources
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.inbound_age import InboundAge
from postroom.domain.retry import RetryPolicy


def largest() -> float:
    """A draw that leaves every wait at its longest."""
    return 0.0


def track_sources(clock: Clock) -> TrackSources:
    return TrackSources(InMemoryCircuitStore(clock), draw=largest)


def consuming(
    *,
    queue: PointerQueue,
    registry: MailboxRegistry,
    providers: Providers,
    trigger_sync: TriggerSync,
    ledger: IdempotencyLedger,
    processor: EmailProcessor,
    outcomes: Outcomes,
    access: AccessTracker,
    sources: SourceTracker,
    clock: Clock,
    slow_calls: SlowCalls | None = None,
    offload: Offload | None = None,
) -> ConsumeJob:
    evidence, policy = Evidence(providers, sources), RetryPolicy(draw=largest)
    answered = NoteAnswer(providers, sources, access, queue, evidence)
    judge = JudgeFailure(
        providers, sources, access, queue, evidence, answered, policy, draw=largest
    )
    return ConsumeJob(
        queue=queue,
        registry=registry,
        providers=providers,
        sources=sources,
        trigger_sync=trigger_sync,
        slow_calls=slow_calls or SlowCalls(places=256),
        in_hand=MailInHand(2**28),
        ledger=ledger,
        offload=offload or AtOnce(),
        processor=processor,
        outcomes=outcomes,
        evidence=evidence,
        answered=answered,
        judge=judge,
        clock=clock,
        policy=policy,
        inbound_age=InboundAge(),
    )


async def unexpected(*_: object) -> None:
    """What a worker is handed that is not to meet a job which overruns, or a suspect."""
    raise AssertionError("a job has overrun, or crashed twice")
