"""Folder syncs with everything around them in memory, and time that passes when told."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.adapters.microsoft.account import MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import MAX_RUN, Maintain, MaintainFolder, SyncRun
from postroom.application.ports import Arrival, OutcomeRecord
from postroom.application.providers import Providers
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.resync_mailbox import ResyncMailbox
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import AccessTracker, TrackAccess
from postroom.domain.folder_sync import FolderSync, SyncIntervals
from postroom.domain.inbound_age import InboundAge
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Effect, Final
from postroom.domain.pointer import PointerJob
from tests.consuming import largest, track_sources
from tests.contracts.samples import microsoft_mailbox

SALES = microsoft_mailbox()
LEASE = timedelta(minutes=10)
DONE = Completed(Effect.TICKET, "1")


@dataclass
class Rig:
    """*modes* are of the ingress, by provider; a test may change them."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(SALES.added_at))
    modes: dict[str, IngressMode] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.database = database = InMemoryDatabase()
        self.queue = InMemoryPointerQueue(self.clock)
        self.registry = InMemoryMailboxRegistry(database)
        self.folder_syncs = InMemoryFolderSyncs(database)
        self.outcomes = InMemoryOutcomes(database)
        self.changes = InMemoryChanges()
        self.subscriptions = InMemorySubscriptions(self.clock)
        self.ingest = IngestPointer(self.queue, self.clock)
        resume = ResumeMailbox(self.registry, self.queue)
        self.access: AccessTracker = TrackAccess(self.registry, self.queue, resume, self.clock)
        self.sources = track_sources(self.clock)
        self.pull_states = InMemoryPullStates()
        self.sync = SyncFolder(
            self.providers,
            self.folder_syncs,
            self.outcomes,
            self.ingest,
            self.clock,
            InboundAge(),
            self.queue,
        )
        dead_letters = RedriveDeadLetters(self.queue, self.clock)
        self.resync = ResyncMailbox(self.folder_syncs, dead_letters, self.clock)
        self.maintain: Maintain = self._maintaining(self.sync)

    @property
    def providers(self) -> Providers:
        provider = InMemoryProvider(
            name="microsoft",
            account=MicrosoftAccount,
            pointer=MicrosoftPointer,
            changes=self.changes,
            subscriptions=self.subscriptions,
        )
        return Providers([provider()], Ingress(self.modes))

    def _maintaining(self, sync: SyncFolder, *, max_run: timedelta = MAX_RUN) -> MaintainFolder:
        return MaintainFolder(
            registry=self.registry,
            folder_syncs=self.folder_syncs,
            providers=sync.providers,
            sync=sync,
            access=self.access,
            sources=self.sources,
            draw=largest,
            slow_calls=SlowCalls(places=256),
            pull_states=self.pull_states,
            clock=self.clock,
            intervals=SyncIntervals(),
            max_run=max_run,
        )

    def use_changes(self, changes: InMemoryChanges, *, max_run: timedelta = MAX_RUN) -> None:
        self.changes = changes
        self.sync = replace(self.sync, providers=self.providers)
        self.maintain = self._maintaining(self.sync, max_run=max_run)

    def use_providers(self, providers: Providers) -> None:
        self.sync = replace(self.sync, providers=providers)
        self.maintain = self._maintaining(self.sync)

    def limit_pages(self, pages: int) -> None:
        """Have a sync go through so many pages, of two messages each, and no more."""
        self.changes.page_size = 2
        self.maintain = self._maintaining(replace(self.sync, max_pages=pages))

    # --- What the provider does ---

    def arrive(self, *, ago: timedelta = timedelta(), folder: str = "inbox") -> MicrosoftPointer:
        """A message comes in, and nobody notifies us of it."""
        pointer = MicrosoftPointer("", f"m{next(self._numbers)}")
        arrival = Arrival(pointer, self.clock.now() - ago)
        self.changes.deliver(SALES, arrival, folder=folder)
        return pointer

    async def arrive_and_notify(self) -> MicrosoftPointer:
        pointer = self.arrive()
        await self.ingest(SALES, [pointer])
        return pointer

    # --- What maintenance does ---

    async def sync_runs(self) -> Sequence[SyncRun]:
        """All that is due, until nothing is."""
        made: list[SyncRun] = []
        while due := await self.folder_syncs.claim_due(self.clock.now(), 10, LEASE):
            made.extend([await self.maintain(folder_sync) for folder_sync in due])
            assert len(made) < 100, "there is no end of sync runs"
        return made

    async def pass_time(self, duration: timedelta) -> Sequence[SyncRun]:
        """Let it pass with everything done when it is due."""
        end, made = self.clock.now() + duration, list(await self.sync_runs())
        while (due_at := await self._next_due()) <= end:
            self.clock.time = max(self.clock.time, due_at)
            made.extend(await self.sync_runs())
        self.clock.time = end
        return made

    async def _next_due(self) -> datetime:
        return min(folder_sync.due_at for folder_sync in await self.folder_syncs.all())

    async def claimed(self, folder: str = "inbox") -> FolderSync:
        """The folder's state, claimed from whoever may have it."""
        stored = await self.folder_sync(folder)
        await self.folder_syncs.release(stored)
        claimed = await self.folder_syncs.claim(
            SALES.tenant, SALES.id, folder, self.clock.now(), LEASE
        )
        assert claimed
        return claimed

    # --- What can be seen ---

    async def folder_sync(self, folder: str = "inbox") -> FolderSync:
        found = await self.folder_syncs.all(tenant=SALES.tenant, mailbox=SALES.id)
        return next(folder_sync for folder_sync in found if folder_sync.folder == folder)

    async def mailbox(self) -> Mailbox:
        found = await self.registry.get(SALES.tenant, SALES.id)
        assert found
        return found

    async def handle_all(self, outcome: Final = DONE) -> Sequence[str]:
        """The message ids of what is queued, in order; all of it ends with that *outcome*."""
        handled = []
        for claim in await self.queue.claim(1000, LEASE):
            await self.outcomes.record(self._ended(claim.job, outcome))
            await self.queue.acknowledge(claim)
            assert isinstance(claim.job.pointer, MicrosoftPointer)
            handled.append(claim.job.pointer.message_id)
        return handled

    def _ended(self, job: PointerJob, outcome: Final) -> OutcomeRecord:
        return OutcomeRecord(job=job, outcome=outcome, attempt=1, at=self.clock.now())
