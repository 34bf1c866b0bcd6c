"""Receiving with everything around it in memory, and time that passes when told."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from postroom.adapters.memory.changes import InMemoryFolderChanges
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.receptions import InMemoryReceptions
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.access import Access, KeepAccess
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.keep_receiving import LONGEST_ROUND, KeepReceiving, Kept
from postroom.application.ports import Arrival, OutcomeRecord
from postroom.application.reconcile import ReconcileFolder
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Final, Way
from postroom.domain.pointer import MicrosoftPointer, PointerJob
from postroom.domain.reception import Pace, Reception
from tests.contracts.samples import microsoft_mailbox

SALES = microsoft_mailbox()
HOLD = timedelta(minutes=10)
LEASE = timedelta(seconds=30)
DONE = Completed(Way.TICKET, "1")


@dataclass
class Rig:
    clock: ManualClock = field(default_factory=lambda: ManualClock(SALES.added_at))
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.database = database = InMemoryDatabase()
        self.queue = InMemoryPointerQueue(self.clock)
        self.registry = InMemoryMailboxRegistry(database)
        self.receptions = InMemoryReceptions(database)
        self.outcomes = InMemoryOutcomes(database)
        self.cursors = InMemoryCursors(database, self.clock)
        self.changes = InMemoryFolderChanges()
        self.subscriptions = InMemorySubscriptions(self.clock)
        self.ingest = IngestPointer(self.queue, self.clock)
        self.reconcile = ReconcileFolder(
            self.changes, self.cursors, self.outcomes, self.ingest, self.clock
        )
        resume = ResumeMailbox(self.registry, self.queue)
        self.access: Access = KeepAccess(self.registry, self.queue, resume, self.clock)
        self.keep: Callable[[Reception], Awaitable[Kept]] = self._keeping(self.reconcile)

    def _keeping(self, reconcile: ReconcileFolder) -> KeepReceiving:
        return KeepReceiving(
            registry=self.registry,
            receptions=self.receptions,
            subscriptions=self.subscriptions,
            reconcile=reconcile,
            access=self.access,
            clock=self.clock,
            pace=Pace(),
        )

    def use_changes(
        self, changes: InMemoryFolderChanges, *, longest_round: timedelta = LONGEST_ROUND
    ) -> None:
        self.changes = changes
        keep = self._keeping(replace(self.reconcile, changes=changes))
        self.keep = replace(keep, longest_round=longest_round)

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

    async def rounds(self) -> Sequence[Kept]:
        """All that is due, until nothing is."""
        made: list[Kept] = []
        while due := await self.receptions.take_due(self.clock.now(), 10, HOLD):
            made.extend([await self.keep(reception) for reception in due])
            assert len(made) < 100, "there is no end of rounds"
        return made

    async def pass_time(self, duration: timedelta) -> Sequence[Kept]:
        """Let it pass with everything done when it is due."""
        end, made = self.clock.now() + duration, list(await self.rounds())
        while (due_at := await self._next_due()) <= end:
            self.clock.time = max(self.clock.time, due_at)
            made.extend(await self.rounds())
        self.clock.time = end
        return made

    async def _next_due(self) -> datetime:
        return min(reception.due_at for reception in await self.receptions.all())

    # --- What can be seen ---

    async def reception(self, folder: str = "inbox") -> Reception:
        found = await self.receptions.all(tenant=SALES.tenant, mailbox=SALES.id)
        return next(reception for reception in found if reception.folder == folder)

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
