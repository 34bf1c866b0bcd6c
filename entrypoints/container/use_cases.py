"""The use cases, with what observes them around them."""

from datetime import timedelta
from random import Random

import punq

from postroom.adapters.redis.claim_record import ClaimRecords
from postroom.adapters.redis.wire import WireFormat
from postroom.application.all_dead_letters import AllDeadLetters
from postroom.application.check_blobs import CheckBlobs
from postroom.application.compare_shadow import CompareShadow
from postroom.application.consume_job import ConsumeJob
from postroom.application.distribute_events import DistributeEvents, ExpireEvents
from postroom.application.evidence import Evidence
from postroom.application.expire_handovers import ExpireHandovers
from postroom.application.file_message import FileMessage
from postroom.application.hand_over import HandOver
from postroom.application.import_mailboxes import ImportMailboxes
from postroom.application.ingest_pointer import Ingest, IngestPointer
from postroom.application.judge_failure import JudgeFailure
from postroom.application.maintain_folder import Maintain, MaintainFolder
from postroom.application.note_answer import NoteAnswer
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import (
    Applications,
    ApplicationSurvey,
    BlobStore,
    CircuitStore,
    Clock,
    FolderSyncs,
    HandoverRecords,
    Handovers,
    HealthCheck,
    Helpdesk,
    Locks,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
    PullStates,
    QueueWitness,
    Routes,
)
from postroom.application.providers import Providers
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.application.release_shadow import ReleaseShadow
from postroom.application.remove_blobs import RemoveBlobs, SweepBlobs
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.remove_orphans import RemoveOrphans
from postroom.application.render_sample import RenderSample
from postroom.application.replay_handovers import ReplayHandovers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.resync_mailbox import ResyncMailbox
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import AccessTracker, TrackAccess
from postroom.application.track_sources import SourceTracker, TrackSources
from postroom.application.trigger_sync import TriggerSync
from postroom.application.watch_queue import Watch, WatchQueue
from postroom.domain.folder_sync import SyncIntervals
from postroom.domain.inbound_age import InboundAge
from postroom.domain.ingress import Ingress
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.container.blobs import bind_blob_care
from postroom.entrypoints.container.handovers import bind_handing_over
from postroom.entrypoints.container.wired import Wired
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.slots import IN_HAND_PER_SLOT
from postroom.entrypoints.telemetry.folder_sync import ObservedAccess, ObservedMaintain
from postroom.entrypoints.telemetry.observed import observed_ingest
from postroom.entrypoints.telemetry.queue_watch import ObservedWatch
from postroom.entrypoints.telemetry.sdk import Telemetry
from postroom.entrypoints.telemetry.sources import ObservedSources


def bind_use_cases(
    container: punq.Container, settings: Settings, clock: Clock, telemetry: Telemetry
) -> None:
    policy = RetryPolicy(
        max_attempts=settings.max_attempts,
        base=timedelta(seconds=settings.retry_base_seconds),
        ceiling=timedelta(seconds=settings.retry_ceiling_seconds),
        draw=container.resolve(Random).random,
    )
    container.register(RetryPolicy, instance=policy)
    queue: PointerQueue = container.resolve(PointerQueue)
    ingest: Ingest = observed_ingest(IngestPointer(queue, clock), telemetry)
    container.register(Ingest, instance=ingest)
    ingress = container.resolve(Providers).ingress
    container.register(Ingress, instance=ingress)
    for use_case in (ResumeMailbox, ResyncMailbox, RemoveMailbox, RemoveOrphans):
        container.register(use_case)
    container.register(CompareShadow)
    container.register(ReleaseShadow)
    container.register(ExpireHandovers)
    container.register(ExpireEvents)
    container.register(ImportMailboxes)
    bind_blob_care(container, settings)
    _bind_syncing(container, settings, telemetry)
    container.register(FileMessage)
    bind_handing_over(container, settings, telemetry)
    container.register(NoteAnswer)
    container.register(JudgeFailure, draw=container.resolve(Random).random)
    container.register(ConsumeJob)
    letters = AllDeadLetters(
        queue, container.resolve(HandoverRecords), container.resolve(Applications)
    )
    container.register(RedriveDeadLetters, instance=RedriveDeadLetters(letters, clock))
    container.register(WatchQueue)
    watch: Watch = ObservedWatch(container.resolve(WatchQueue), telemetry)
    container.register(Watch, instance=watch)


def _bind_syncing(container: punq.Container, settings: Settings, telemetry: Telemetry) -> None:
    intervals = SyncIntervals(
        sync_every=timedelta(seconds=settings.sync_seconds),
        poll_every=timedelta(seconds=settings.poll_seconds),
    )
    container.register(SyncIntervals, instance=intervals)
    age = InboundAge(timedelta(days=settings.max_inbound_age_days))
    container.register(InboundAge, instance=age)
    draw = container.resolve(Random).random
    tracker = TrackSources(container.resolve(CircuitStore), draw)
    sources: SourceTracker = ObservedSources(tracker, telemetry)
    container.register(SourceTracker, instance=sources)
    evidence = Evidence(container.resolve(Providers), sources)
    container.register(Evidence, instance=evidence)
    container.register(TrackAccess)
    access: AccessTracker = ObservedAccess(container.resolve(TrackAccess))
    container.register(AccessTracker, instance=access)
    places = IN_HAND_PER_SLOT * settings.concurrency
    container.register(SlowCalls, instance=SlowCalls(places))
    container.register(SyncFolder)
    container.register(MaintainFolder, draw=draw)
    maintain: Maintain = ObservedMaintain(container.resolve(MaintainFolder), telemetry)
    container.register(Maintain, instance=maintain)
    container.register(TriggerSync)


def resolve_all(container: punq.Container, health: tuple[HealthCheck, ...]) -> Wired:
    return Wired(
        ingest=container.resolve(Ingest),
        consume=container.resolve(ConsumeJob),
        maintain=container.resolve(Maintain),
        remove_orphans=container.resolve(RemoveOrphans),
        remove_blobs=container.resolve(RemoveBlobs),
        sweep_blobs=container.resolve(SweepBlobs),
        expire_handovers=container.resolve(ExpireHandovers),
        distribute_events=container.resolve(DistributeEvents),
        expire_events=container.resolve(ExpireEvents),
        check_blobs=container.resolve(CheckBlobs),
        resume=container.resolve(ResumeMailbox),
        resync=container.resolve(ResyncMailbox),
        remove=container.resolve(RemoveMailbox),
        dead_letters=container.resolve(RedriveDeadLetters),
        compare_shadow=container.resolve(CompareShadow),
        release_shadow=container.resolve(ReleaseShadow),
        import_mailboxes=container.resolve(ImportMailboxes),
        policy=container.resolve(RetryPolicy),
        providers=container.resolve(Providers),
        queue=container.resolve(PointerQueue),
        witness=container.resolve(QueueWitness),
        registry=container.resolve(MailboxRegistry),
        folder_syncs=container.resolve(FolderSyncs),
        routes=container.resolve(Routes),
        pull_states=container.resolve(PullStates),
        outcomes=container.resolve(Outcomes),
        applications=container.resolve(Applications),
        application_survey=container.resolve(ApplicationSurvey),
        handovers=container.resolve(Handovers),
        handover_records=container.resolve(HandoverRecords),
        hand_over=container.resolve(HandOver),
        replay=container.resolve(ReplayHandovers),
        open_links=container.resolve(OpenLinks),
        read_content=container.resolve(ReadContent),
        render_sample=container.resolve(RenderSample),
        helpdesk=container.resolve(Helpdesk),
        blobs=container.resolve(BlobStore),
        clock=container.resolve(Clock),
        random=container.resolve(Random),
        health=health,
        telemetry=container.resolve(Telemetry),
        slow_calls=container.resolve(SlowCalls),
        claim_records=ClaimRecords(container.resolve(WireFormat)),
        sources=container.resolve(SourceTracker),
        locks=container.resolve(Locks),
        watch_queue=container.resolve(Watch),
    )
