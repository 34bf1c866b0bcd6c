"""All that a driver is handed: the use cases, and the ports that it reads from."""

from dataclasses import dataclass
from random import Random

from postroom.application.check_blobs import CheckBlobs
from postroom.application.compare_shadow import CompareShadow
from postroom.application.consume_job import ConsumeJob
from postroom.application.distribute_events import DistributeEvents, ExpireEvents
from postroom.application.expire_handovers import ExpireHandovers
from postroom.application.hand_over import HandOver
from postroom.application.import_mailboxes import ImportMailboxes
from postroom.application.ingest_pointer import Ingest
from postroom.application.maintain_folder import Maintain
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import (
    Applications,
    ApplicationSurvey,
    BlobStore,
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
from postroom.application.track_sources import SourceTracker
from postroom.application.watch_queue import Watch
from postroom.domain.retry import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What `wire` has made; *health* is all that must be well for this process to be of use.

    *random* is what every backoff is drawn from.
    """

    ingest: Ingest
    consume: ConsumeJob
    maintain: Maintain
    remove_orphans: RemoveOrphans
    remove_blobs: RemoveBlobs
    sweep_blobs: SweepBlobs
    expire_handovers: ExpireHandovers
    distribute_events: DistributeEvents
    expire_events: ExpireEvents
    check_blobs: CheckBlobs
    resume: ResumeMailbox
    resync: ResyncMailbox
    remove: RemoveMailbox
    dead_letters: RedriveDeadLetters
    compare_shadow: CompareShadow
    release_shadow: ReleaseShadow
    import_mailboxes: ImportMailboxes
    policy: RetryPolicy
    sources: SourceTracker
    locks: Locks
    watch_queue: Watch
    providers: Providers
    queue: PointerQueue
    witness: QueueWitness
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    routes: Routes
    pull_states: PullStates
    outcomes: Outcomes
    applications: Applications
    application_survey: ApplicationSurvey
    handovers: Handovers
    handover_records: HandoverRecords
    hand_over: HandOver
    replay: ReplayHandovers
    open_links: OpenLinks
    read_content: ReadContent
    render_sample: RenderSample
    helpdesk: Helpdesk
    blobs: BlobStore
    clock: Clock
    random: Random
    health: tuple[HealthCheck, ...]
