"""Receiving with everything around it in memory, and time that passes when told."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from postroom.adapters.memory.changes import InMemoryFolderChanges
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import MAX_RUN, MaintainFolder, SyncRun
from postroom.application.ports import Arrival, OutcomeRecord
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import Access, TrackAccess
from postroom.domain.folder_sync import FolderSync, SyncIntervals
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Effect, Final
from postroom.domain.pointer import MicrosoftPointer, PointerJob
from tests.contracts.samples import microsoft_mailbox

SALES = microsoft_mailbox()
LEASE = timedelta(minutes=10)
LEASE = timedelta(seconds=30)
DONE = Completed(Effect.TICKET, "1")


@dataclass
class Rig:
    clock: ManualClock = field(default_factory=lambda: ManualClock(SALES.added_at))
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.database = database = InMemoryDatabase()
        self.queue = InMemoryPointerQueue(self.clock)
        self.registry = InMemoryMailboxRegistry(database)
        self.folder_syncs = InMemoryFolderSyncs(database)
        self.outcomes = InMemoryOutcomes(database)
        self.cursors = InMemoryCursors(database, self.clock)
        self.changes = InMemoryFolderChanges()
        self.subscriptions = InMemorySubscriptions(self.clock)
        self.ingest = IngestPointer(self.queue, self.clock)
        self.reconcile = SyncFolder(
            self.changes, self.cursors, self.outcomes, self.ingest, self.clock
        )
        resume = ResumeMailbox(self.registry, self.queue)
        self.access: Access = TrackAccess(self.registry, self.queue, resume, self.clock)
        self.keep: Callable[[FolderSync], Awaitable[SyncRun]] = self._keeping(self.reconcile)

    def _keeping(self, reconcile: SyncFolder) -> MaintainFolder:
        return MaintainFolder(
            registry=self.registry,
            folder_syncs=self.folder_syncs,
            subscriptions=self.subscriptions,
            reconcile=reconcile,
            access=self.access,
            clock=self.clock,
            intervals=SyncIntervals(),
        )

    def use_changes(self, changes: InMemoryFolderChanges, *, max_run: timedelta = MAX_RUN) -> None:
        self.changes = changes
        keep = self._keeping(replace(self.reconcile, changes=changes))
        self.keep = replace(keep, max_run=max_run)

    def limit_pages(self, pages: int) -> None:
        """Have a look go through so many pages, of two messages each, and no more."""
        self.changes.page_size = 2
        self.keep = self._keeping(replace(self.reconcile, max_pages=pages))

    # --- What the provider does ---

    def arrive(self, *, ago: timedelta = timedelta(), folder: str = "inbox") -> MicrosoftPointer:
        """A message comes in, and nobody tells of it."""
        pointer = MicrosoftPointer("", f"m{next(self._numbers)}")
        arrival = Arrival(pointer, self.clock.now() - ago)
        self.changes.deliver(SALES, arrival, folder=folder)
        return pointer

    async def arrive_and_tell(self) -> MicrosoftPointer:
        pointer = self.arrive()
        await self.ingest(SALES, [pointer])
        return pointer

    # --- What maintenance does ---

    async def sync_runs(self) -> Sequence[SyncRun]:
        """All that is due, until nothing is."""
        made: list[SyncRun] = []
        while due := await self.folder_syncs.claim_due(self.clock.now(), 10, LEASE):
            made.extend([await self.keep(folder_sync) for folder_sync in due])
            assert len(made) < 100, "there is no end of sync_runs"
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
