"""What the tests of resolving a Gmail notification have in common: a small world of mail."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.history import InMemoryMailboxHistory
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import HistoryPage, MailboxHistory
from postroom.application.resolve_history import CURSOR, ResolveHistory
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import GoogleAccount, Mailbox, Secret
from postroom.domain.pointer import GooglePointer, PointerJob


class WatchedQueue(InMemoryPointerQueue):
    """Shows the jobs that were new to it, and is away after so many calls as it *answers*."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.taken: list[PointerJob] = []
        self.answers = 10**9

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        if not self.answers:
            raise Unavailable("the queue is away")
        self.answers -= 1
        new = set(await super().enqueue(jobs))
        self.taken.extend(job for job in jobs if job.id in new)
        return [job.id for job in jobs if job.id in new]


class FragileCursors(InMemoryCursors):
    """The process dies at the next move if it is *doomed*."""

    doomed = False

    async def advance(self, mailbox: Mailbox, name: str, *, before: str | None, after: str) -> bool:
        if self.doomed:
            raise ZeroDivisionError("the process dies")
        return await super().advance(mailbox, name, before=before, after=after)


@dataclass
class PausingHistory(MailboxHistory):
    """Stops after the first page of a listing, until *go_on*."""

    inner: MailboxHistory
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def since(self, mailbox: Mailbox, history_id: int) -> AsyncIterator[HistoryPage]:
        async for page in self.inner.since(mailbox, history_id):
            yield page
            self.listed.set()
            await self.go_on.wait()

    def received_after(self, mailbox: Mailbox, moment: datetime) -> AsyncIterator[HistoryPage]:
        return self.inner.received_after(mailbox, moment)


@dataclass
class World:
    clock: ManualClock
    history: InMemoryMailboxHistory = field(default_factory=InMemoryMailboxHistory)

    def __post_init__(self) -> None:
        self.queue = WatchedQueue(self.clock)
        self.cursors = FragileCursors(InMemoryDatabase(), self.clock)
        self.resolve = self.resolver(self.history)
        self.mailbox = self.add_mailbox("support")

    def resolver(self, history: MailboxHistory) -> ResolveHistory:
        return ResolveHistory(history, self.cursors, IngestPointer(self.queue, self.clock))

    def add_mailbox(self, name: str) -> Mailbox:
        account = GoogleAccount(
            service_account=Secret("{}"),
            pubsub_subscription="s",
            push_service_account="p@example.org",
        )
        return Mailbox(
            tenant="acme",
            id=name,
            address=f"{name}@example.org",
            account=account,
            added_at=self.clock.now(),
        )

    def receive(self, *message_ids: str, mailbox: Mailbox | None = None) -> GooglePointer:
        """The messages come in; gives the notification of the last."""
        mailbox = mailbox or self.mailbox
        history_id = 0
        for message_id in message_ids:
            history_id = self.history.receive(mailbox, message_id, self.clock.now())
        return GooglePointer(history_id=history_id, address=mailbox.address)

    def queued(self, mailbox: Mailbox | None = None) -> list[str]:
        """The message ids of the mailbox's jobs, in order of arrival."""
        mailbox = mailbox or self.mailbox
        pointers = [job.pointer for job in self.queue.taken if job.mailbox == mailbox.id]
        return [
            message_id
            for pointer in pointers
            if isinstance(pointer, GooglePointer)
            for message_id in pointer.message_ids
        ]

    async def cursor(self, mailbox: Mailbox | None = None) -> int | None:
        found = await self.cursors.read(mailbox or self.mailbox, CURSOR)
        return int(found.position) if found else None
