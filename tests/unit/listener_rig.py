"""A listener with everything around it in memory, and time that passes when told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from structlog.testing import capture_logs

from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.listener import InMemoryListener
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import Maintain, MaintainFolder, SyncRun
from postroom.application.ports import (
    Arrival,
    ChangeListener,
    ListenerSession,
    Provider,
)
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import TrackAccess
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.folder_sync import FolderSync, SyncIntervals
from postroom.domain.inbound_age import InboundAge
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import PointerJob
from postroom.entrypoints.listener import RECONNECT, Listener
from postroom.entrypoints.telemetry.folder_sync import ObservedMaintain
from postroom.entrypoints.telemetry.sdk import open_telemetry
from tests.consuming import track_sources
from tests.contracts.samples import IMAP, imap_mailbox

ONE_FOLDER = replace(IMAP, folders=("INBOX",))
SUPPORT = replace(imap_mailbox(), account=ONE_FOLDER)
BILLING = replace(imap_mailbox(name="billing"), account=ONE_FOLDER)
NOW = SUPPORT.added_at

BOUND = 5.0
"""Seconds that a test waits at most for what takes a moment."""

REFRESH = 61.0
ACCESS_PAUSE = 300.0


class Mailboxes(InMemoryMailboxRegistry):
    """Mailboxes that cannot be looked up while there is a *failure*."""

    failure: Failure | None = None

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        if self.failure:
            raise self.failure
        return await super().all(tenant=tenant)


class Waits:
    """Time that passes only when a test says so."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.begun: list[float] = []
        self._clock = clock
        self._ends: list[tuple[float, asyncio.Future[None]]] = []

    async def __call__(self, seconds: float) -> None:
        self.begun.append(seconds)
        end = asyncio.get_running_loop().create_future()
        self._ends.append((seconds, end))
        await end

    def after_failures(self) -> list[float]:
        return [seconds for seconds in self.begun if seconds != REFRESH]

    async def let_pass(self, seconds: float) -> None:
        """End the waits that are that long."""
        if self._clock:
            self._clock.advance(timedelta(seconds=seconds))
        for each, end in self._ends:
            if each == seconds and not end.done():
                end.set_result(None)
        await settle()


async def settle() -> None:
    """Let every task go on until it waits: in memory, nothing takes longer than a few turns."""
    for _ in range(100):
        await asyncio.sleep(0)


@dataclass
class Rig:
    source: InMemoryListener = field(default_factory=InMemoryListener)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    logs: list[Any] = field(default_factory=list)
    modes: dict[str, IngressMode] = field(default_factory=dict)
    _uids: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        database = InMemoryDatabase()
        self.waits = Waits(self.clock)
        self.registry = Mailboxes(database)
        self.folder_syncs = InMemoryFolderSyncs(database)
        self.outcomes = InMemoryOutcomes(database)
        self.queue = InMemoryPointerQueue(self.clock, cap=1000)
        self.provider = InMemoryProvider(
            name="imap", account=ImapAccount, pointer=ImapPointer, listener=self.source
        )

    async def serve(self, *mailboxes: Mailbox) -> None:
        """These, and no others; one that was served before is as it is given now."""
        for each in await InMemoryMailboxRegistry.all(self.registry):
            await self.registry.remove(each.tenant, each.id)
        for mailbox in mailboxes:
            await self.registry.add(mailbox)

    def deliver(self, mailbox: Mailbox, *, folder: str = "INBOX", silently: bool = False) -> None:
        """A message comes in; *silently* nothing announces it."""
        pointer = ImapPointer(folder, next(self._uids), 1)
        self.provider.changes.deliver(mailbox, Arrival(pointer, self.clock.now()), folder=folder)
        if not silently:
            self.source.announce(mailbox, folder)

    def break_down(self, mailbox: Mailbox, failure: Failure) -> None:
        self.provider.changes.break_down(mailbox, failure)
        self.source.break_down(mailbox, failure)

    def repair(self, mailbox: Mailbox) -> None:
        self.provider.changes.repair(mailbox)
        self.source.repair(mailbox)

    def providers(self, source: ChangeListener | None = None) -> Providers:
        made: Provider = self.provider()
        made = replace(made, listener=source or self.source)
        return Providers([made], Ingress(self.modes))

    def maintaining(self, providers: Providers) -> MaintainFolder:
        sync = SyncFolder(
            providers,
            self.folder_syncs,
            self.outcomes,
            IngestPointer(self.queue, self.clock),
            self.clock,
            InboundAge(),
            self.queue,
        )
        resume = ResumeMailbox(self.registry, self.queue)
        return MaintainFolder(
            registry=self.registry,
            folder_syncs=self.folder_syncs,
            providers=providers,
            sync=sync,
            access=TrackAccess(self.registry, self.queue, resume, self.clock),
            sources=track_sources(self.clock),
            slow_calls=SlowCalls(places=256),
            pull_states=InMemoryPullStates(),
            clock=self.clock,
            intervals=SyncIntervals(),
        )

    def listener(self, maintain: Maintain, providers: Providers, **timing: timedelta) -> Listener:
        return Listener(
            registry=self.registry,
            providers=providers,
            folder_syncs=self.folder_syncs,
            maintain=maintain,
            sources=track_sources(self.clock),
            clock=self.clock,
            refresh=timedelta(seconds=REFRESH),
            reconnect=replace(RECONNECT, draw=lambda: 0.0),
            sleep=self.waits,
            **timing,
        )

    @asynccontextmanager
    async def listening(
        self,
        source: ChangeListener | None = None,
        around: Callable[[Maintain], Maintain] = lambda maintain: maintain,
        **timing: timedelta,
    ) -> AsyncIterator[None]:
        """A listener that has got as far as it can, and is stopped after the block."""
        stop, providers = asyncio.Event(), self.providers(source)
        with capture_logs() as self.logs, open_telemetry() as telemetry:
            maintain = around(ObservedMaintain(self.maintaining(providers), telemetry))
            running = asyncio.create_task(self.listener(maintain, providers, **timing).run(stop))
            await settle()
            try:
                yield
            finally:
                stop.set()
                async with asyncio.timeout(BOUND):
                    await running

    def events(self, *, of: Mailbox = SUPPORT) -> list[str]:
        return [entry["event"] for entry in self.logs if entry.get("mailbox") == of.id]

    async def queued(self, *, within: timedelta = timedelta()) -> list[tuple[str, str, int]]:
        """Mailbox, folder and UID of what was queued."""
        claims = await self.queue.claim(1000, timedelta(hours=1), wait=within)
        return [
            (claim.job.mailbox, pointer.folder, pointer.uid)
            for claim in claims
            if isinstance(pointer := claim.job.pointer, ImapPointer)
        ]

    async def folder_sync(self, mailbox: Mailbox = SUPPORT) -> FolderSync:
        [found] = await self.folder_syncs.all(tenant=mailbox.tenant, mailbox=mailbox.id)
        return found

    def moment(self, seconds: float) -> datetime:
        return NOW + timedelta(seconds=seconds)


@dataclass
class Opened(ChangeListener):
    """Counts how often a folder is opened."""

    source: ChangeListener
    count: int = 0

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[ListenerSession]:
        self.count += 1
        async with self.source.open(mailbox, folder) as session:
            yield session


@dataclass
class HangingUp(ChangeListener):
    """Lets us in, but drops whoever waits."""

    source: ChangeListener

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[ListenerSession]:
        async with self.source.open(mailbox, folder):
            yield _HangingUp()


class _HangingUp(ListenerSession):
    async def changed(self, within: timedelta) -> bool:
        raise Unavailable(f"the server hung up within {within}")


@dataclass
class Buggy(ChangeListener):
    """Fails with what is no Failure, for one mailbox."""

    source: ChangeListener

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[ListenerSession]:
        if mailbox.id == SUPPORT.id:
            raise ZeroDivisionError("secret")
        async with self.source.open(mailbox, folder) as session:
            yield session


@dataclass
class Crashing(Maintain):
    """Crashes the first time that a listener could not go on."""

    maintain: Maintain
    crashed: bool = False

    async def __call__(self, folder_sync: FolderSync, *, held: timedelta | None = None) -> SyncRun:
        return await self.maintain(folder_sync, held=held)

    async def fail(
        self, folder_sync: FolderSync, failure: Failure, *, held: timedelta | None = None
    ) -> SyncRun:
        if not self.crashed:
            self.crashed = True
            raise ZeroDivisionError("secret")
        return await self.maintain.fail(folder_sync, failure, held=held)


class Failing(InMemoryPointerQueue):
    """Fails the first time."""

    failed = False

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        if not self.failed:
            self.failed = True
            raise Unavailable("Redis is away")
        return await super().enqueue(jobs)
