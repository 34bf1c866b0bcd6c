"""The use cases, with what watches them around them."""

from datetime import timedelta

import punq

from postroom.application.consume_job import ConsumeJob
from postroom.application.file_message import FileMessage
from postroom.application.ingest_pointer import Ingest, IngestPointer
from postroom.application.maintain_folder import MaintainFolder
from postroom.application.ports import Clock, EmailProcessor, PointerQueue
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.remove_orphans import RemoveOrphans
from postroom.application.resolve_history import ResolveHistory
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.resync_mailbox import ResyncMailbox
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import Access, TrackAccess
from postroom.application.watch_folder import CatchUpFolder
from postroom.domain.folder_sync import SyncIntervals
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.telemetry.folder_sync import ObservedAccess
from postroom.entrypoints.telemetry.observed import observed_ingest
from postroom.entrypoints.telemetry.sdk import Telemetry


def bind_use_cases(
    container: punq.Container, settings: Settings, clock: Clock, telemetry: Telemetry
) -> None:
    policy = RetryPolicy(
        max_attempts=settings.max_attempts,
        base=timedelta(seconds=settings.retry_base_seconds),
        ceiling=timedelta(seconds=settings.retry_ceiling_seconds),
    )
    container.register(RetryPolicy, instance=policy)
    queue: PointerQueue = container.resolve(PointerQueue)
    ingest: Ingest = observed_ingest(IngestPointer(queue, clock), telemetry)
    container.register(Ingest, instance=ingest)
    container.register(ResolveHistory)
    container.register(CatchUpFolder)
    _bind_receiving(container, settings)
    container.register(EmailProcessor, FileMessage)
    container.register(ConsumeJob)
    container.register(RedriveDeadLetters)


def _bind_receiving(container: punq.Container, settings: Settings) -> None:
    intervals = SyncIntervals(
        sync_every=timedelta(seconds=settings.sync_seconds),
        poll_every=timedelta(seconds=settings.poll_seconds),
    )
    container.register(SyncIntervals, instance=intervals)
    container.register(ResumeMailbox)
    container.register(ResyncMailbox)
    container.register(RemoveMailbox)
    container.register(TrackAccess)
    access: Access = ObservedAccess(container.resolve(TrackAccess))
    container.register(Access, instance=access)
    container.register(SyncFolder)
    container.register(MaintainFolder)
    container.register(RemoveOrphans)
