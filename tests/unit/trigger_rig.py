"""A mailbox that is maintained with all in memory, and whose notifications trigger syncs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import LEASE, MaintainFolder
from postroom.application.ports import (
    Arrival,
    Handshake,
    Notification,
    NotificationReader,
    Provider,
    Routes,
    WebhookRequest,
)
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import TrackAccess
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.folder_sync import FolderSync, SyncIntervals
from postroom.domain.inbound_age import InboundAge
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mailbox import Mailbox
from postroom.domain.mailbox_state import MailboxState, state_of
from tests.consuming import track_sources
from tests.contracts.samples import google_mailbox

INFO = google_mailbox()
[FOLDER] = INFO.account.folders
DAY = timedelta(days=1)


class Maintained:
    """*mailbox* of *provider*, the only one that there is. *modes* are of the ingress."""

    def __init__(self, provider: Provider, mailbox: Mailbox, clock: ManualClock) -> None:
        database = InMemoryDatabase()
        self.clock = clock
        self.mailbox = mailbox
        self.modes: dict[str, IngressMode] = {}
        self.queue = InMemoryPointerQueue(clock, cap=1000)
        self.registry = InMemoryMailboxRegistry(database)
        self.folder_syncs = InMemoryFolderSyncs(database)
        self.pull_states = InMemoryPullStates()
        self.providers = providers = Providers([provider], Ingress(self.modes))
        ingest = IngestPointer(self.queue, clock)
        sync = SyncFolder(
            providers,
            self.folder_syncs,
            InMemoryOutcomes(database),
            ingest,
            clock,
            InboundAge(),
            self.queue,
        )
        resume = ResumeMailbox(self.registry, self.queue)
        self.maintain = MaintainFolder(
            registry=self.registry,
            folder_syncs=self.folder_syncs,
            providers=providers,
            sync=sync,
            access=TrackAccess(self.registry, self.queue, resume, clock),
            sources=track_sources(clock),
            slow_calls=SlowCalls(places=256),
            pull_states=self.pull_states,
            clock=clock,
            intervals=SyncIntervals(),
        )
        self.trigger = TriggerSync(self.folder_syncs, self.maintain, ingest, clock)

    async def maintain_due(self) -> int:
        """Do what is due, once; returns how many runs that were."""
        due = await self.folder_syncs.claim_due(self.clock.now(), 10, LEASE)
        for folder_sync in due:
            await self.maintain(folder_sync)
        return len(due)

    async def pass_time(self, duration: timedelta) -> None:
        end = self.clock.now() + duration
        while (due_at := (await self.folder_sync()).due_at) <= end:
            self.clock.time = max(self.clock.time, due_at)
            await self.maintain_due()
        self.clock.time = end

    async def folder_sync(self) -> FolderSync:
        [found] = await self.folder_syncs.all(tenant=self.mailbox.tenant, mailbox=self.mailbox.id)
        return found

    async def state(self) -> MailboxState:
        found = await self.registry.get(self.mailbox.tenant, self.mailbox.id)
        assert found
        return state_of(found, [await self.folder_sync()], self.clock.now())

    async def queued(self) -> list[str]:
        return [
            claim.job.pointer.message_ids[0]
            for claim in await self.queue.claim(1000, DAY)
            if isinstance(claim.job.pointer, GooglePointer)
        ]


@dataclass
class Rig(Maintained):
    """A mailbox at Gmail whose notifications an operator has set up: they come, or do not."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(INFO.added_at))

    def __post_init__(self) -> None:
        provider = InMemoryProvider(
            name="google",
            account=GoogleAccount,
            pointer=GooglePointer,
            notifications=_Pushed(),
        )
        self.changes = provider.changes
        self.changes.numbered = True
        super().__init__(provider(), INFO, self.clock)

    @property
    def lists(self) -> int:
        """How many were made since the mailbox was added."""
        return self.changes.lists - 1

    def arrive(self, number: int) -> GooglePointer:
        """A message comes in; gives what is announced of it."""
        message = GooglePointer(number, INFO.address, message_ids=(f"m{number}",))
        self.changes.deliver(INFO, Arrival(message))
        return GooglePointer(self.changes.end(INFO, folder=FOLDER), INFO.address)


class _Pushed(NotificationReader):
    paths = ("",)
    accepted = 204

    async def read(
        self, request: WebhookRequest, routes: Routes
    ) -> Handshake | Sequence[Notification]:
        raise NotImplementedError
