"""A listener with everything around it in memory, and time that passes when told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from structlog.testing import capture_logs

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folders import InMemoryMailFolders
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import FolderListing, FolderSession, MailFolders
from postroom.application.watch_folder import CatchUpFolder
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import ImapPointer, PointerJob
from postroom.entrypoints.listener import RECONNECT, Listener
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
    """Mailboxes that come and go."""

    def __init__(self, *mailboxes: Mailbox) -> None:
        super().__init__(InMemoryDatabase())
        self.listed: list[Mailbox] = list(mailboxes)
        self.failure: Failure | None = None

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        if self.failure:
            raise self.failure
        return [mailbox for mailbox in self.listed if tenant in ("", mailbox.tenant)]


class Waits:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self._ends: list[tuple[float, asyncio.Future[None]]] = []

    async def __call__(self, seconds: float) -> None:
        self.begun.append(seconds)
        end = asyncio.get_running_loop().create_future()
        self._ends.append((seconds, end))
        await end

    def of_trouble(self) -> list[float]:
        return [seconds for seconds in self.begun if seconds != REFRESH]

    async def let_pass(self, seconds: float) -> None:
        """End the waits that are that long."""
        for each, end in self._ends:
            if each == seconds and not end.done():
                end.set_result(None)
        await settle()


async def settle() -> None:
    """Let every task go on until it waits: in memory, nothing takes longer than a few turns."""
    for _ in range(50):
        await asyncio.sleep(0)


@dataclass
class Rig:
    registry: Mailboxes = field(default_factory=lambda: Mailboxes(SUPPORT))
    folders: InMemoryMailFolders = field(default_factory=InMemoryMailFolders)
    waits: Waits = field(default_factory=Waits)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    logs: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = InMemoryPointerQueue(self.clock, cap=1000)
        self.cursors = InMemoryCursors(InMemoryDatabase(), self.clock)

    def listener(self, folders: MailFolders | None = None, **timing: timedelta) -> Listener:
        return Listener(
            self.registry,
            folders or self.folders,
            CatchUpFolder(self.cursors, IngestPointer(self.queue, self.clock)),
            refresh=timedelta(seconds=REFRESH),
            reconnect=replace(RECONNECT, draw=lambda: 1.0),
            sleep=self.waits,
            **timing,
        )

    @asynccontextmanager
    async def listening(
        self, folders: MailFolders | None = None, **timing: timedelta
    ) -> AsyncIterator[None]:
        """A listener that has got as far as it can, and is stopped after the block."""
        stop = asyncio.Event()
        with capture_logs() as self.logs:
            running = asyncio.create_task(self.listener(folders, **timing).run(stop))
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


@dataclass
class Opened(MailFolders):
    """Counts how often a folder is opened."""

    folders: MailFolders
    count: int = 0

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[FolderSession]:
        self.count += 1
        async with self.folders.open(mailbox, folder) as session:
            yield session


@dataclass
class HangingUp(MailFolders):
    folders: MailFolders

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[FolderSession]:
        async with self.folders.open(mailbox, folder) as session:
            yield _HangingUp(session)


@dataclass
class _HangingUp(FolderSession):
    session: FolderSession

    async def uid_validity(self) -> int:
        return await self.session.uid_validity()

    async def after(self, uid: int) -> FolderListing:
        return await self.session.after(uid)

    async def received_since(self, moment: datetime) -> FolderListing:
        return await self.session.received_since(moment)

    async def changed(self, within: timedelta) -> bool:
        raise Unavailable(f"the server hung up within {within}")


@dataclass
class Buggy(MailFolders):
    """Fails with what is no Failure, for one mailbox."""

    folders: MailFolders

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[FolderSession]:
        if mailbox.id == SUPPORT.id:
            raise ZeroDivisionError("secret")
        async with self.folders.open(mailbox, folder) as session:
            yield session


class Failing(InMemoryPointerQueue):
    """Fails the first time."""

    failed = False

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        if not self.failed:
            self.failed = True
            raise Unavailable("Redis is away")
        return await super().enqueue(jobs)
