from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.adapters.memory.folders import InMemoryMailFolders
from postroom.application.watch_folder import CHUNK, OVERLAP, CatchUpFolder, cursor_name
from postroom.domain.folder_cursor import FolderCursor

from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.ingest_pointer import Ingest, Ingested, IngestPointer, MailboxRef
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import Pointer
from tests.contracts.samples import imap_mailbox

MINUTE = timedelta(minutes=1)
MAILBOX = imap_mailbox()
ADDED = MAILBOX.added_at


class Ingesting(Ingest):
    """Ingests for real; *pointers* are those of each call, of which the *failing*-th fails.

    *meanwhile* is what others do in the first call.
    """

    def __init__(self, ingest: IngestPointer) -> None:
        self.ingest = ingest
        self.pointers: list[Sequence[Pointer]] = []
        self.failing = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def __call__(
        self, mailbox: MailboxRef, pointers: Sequence[Pointer], *, traceparent: str = ""
    ) -> Ingested:
        self.pointers.append(pointers)
        if len(self.pointers) == self.failing:
            raise Unavailable("the queue is away")
        if self.meanwhile and len(self.pointers) == 1:
            await self.meanwhile()
        return await self.ingest(mailbox, pointers, traceparent=traceparent)


@dataclass
class Watched:
    """One folder of one mailbox, all in memory."""

    clock: ManualClock = field(default_factory=ManualClock)
    folders: InMemoryMailFolders = field(default_factory=InMemoryMailFolders)

    def __post_init__(self) -> None:
        self.clock.time = ADDED + MINUTE
        self.cursors = InMemoryCursors(InMemoryDatabase(), self.clock)
        self.queue = InMemoryPointerQueue(self.clock, cap=10_000)
        self.ingest = Ingesting(IngestPointer(self.queue, self.clock))
        self.catch_up_folder = CatchUpFolder(self.cursors, self.ingest)

    def deliver(self, *, after: timedelta = MINUTE, count: int = 1) -> None:
        for _ in range(count):
            self.folders.deliver(MAILBOX, ADDED + after)

    async def catch_up(self) -> int:
        async with self.folders.open(MAILBOX, "INBOX") as session:
            return await self.catch_up_folder(MAILBOX, "INBOX", session)

    async def queued(self) -> list[ImapPointer]:
        """What is claimed, and so forgotten by the queue's duplicate check."""
        claims = await self.queue.claim(10_000, MINUTE)
        for claim in claims:
            await self.queue.acknowledge(claim)
        return [claim.job.pointer for claim in claims if isinstance(claim.job.pointer, ImapPointer)]

    async def uids(self) -> list[int]:
        return [pointer.uid for pointer in await self.queued()]

    async def position(self) -> str | None:
        cursor = await self.cursors.read(MAILBOX, cursor_name("INBOX"))
        return cursor.position if cursor else None


@pytest.fixture
def watched() -> Watched:
    return Watched()


# --- A folder seen for the first time -----------------------------------------------------------


async def test_mail_from_before_the_mailbox_was_added_is_left_alone(watched: Watched) -> None:
    watched.deliver(after=-timedelta(days=400), count=3)
    watched.deliver(after=-timedelta(seconds=1))

    assert await watched.catch_up() == 0
    assert await watched.queued() == []
    assert await watched.position() == "1:4"


async def test_mail_that_came_between_adding_and_the_first_look_is_queued(
    watched: Watched,
) -> None:
    watched.deliver(after=-MINUTE, count=2)
    watched.deliver(after=timedelta())
    watched.deliver(after=MINUTE)

    assert await watched.catch_up() == 2
    assert await watched.queued() == [ImapPointer("INBOX", 3, 1), ImapPointer("INBOX", 4, 1)]
    assert await watched.position() == "1:4"


async def test_an_empty_folder_is_begun_as_well(watched: Watched) -> None:
    await watched.catch_up()
    watched.deliver(
        after=-timedelta(days=1)
    )  # a clock that is wrong, or mail moved into the folder
    await watched.catch_up()

    assert await watched.uids() == [1]


async def test_each_folder_begins_by_itself(watched: Watched) -> None:
    """A folder that is added later must not inherit the UIDs of another."""
    watched.deliver(count=7)
    await watched.catch_up()
    await watched.queued()
    watched.folders.deliver(MAILBOX, ADDED, folder="Anfragen/Möbel")
    async with watched.folders.open(MAILBOX, "Anfragen/Möbel") as session:
        await watched.catch_up_folder(MAILBOX, "Anfragen/Möbel", session)

    assert await watched.queued() == [ImapPointer("Anfragen/Möbel", 1, 1)]


# --- A folder that is known ---------------------------------------------------------------------


async def test_what_is_new_is_queued_once_and_in_order(watched: Watched) -> None:
    await watched.catch_up()
    watched.deliver(count=3)

    assert await watched.catch_up() == 3
    assert await watched.uids() == [1, 2, 3]
    assert await watched.catch_up() == 0
    assert await watched.uids() == []
    assert await watched.position() == "1:3"


async def test_a_backlog_of_any_size_is_queued_in_bounded_portions(watched: Watched) -> None:
    await watched.catch_up()
    watched.deliver(count=2 * CHUNK + 1)

    assert await watched.catch_up() == 2 * CHUNK + 1
    assert [len(each) for each in watched.ingest.pointers] == [CHUNK, CHUNK, 1]
    assert await watched.uids() == list(range(1, 2 * CHUNK + 2))


async def test_the_cursor_passes_nothing_that_is_not_queued(watched: Watched) -> None:
    await watched.catch_up()
    watched.deliver(count=2 * CHUNK)
    watched.ingest.failing = 2

    with pytest.raises(Unavailable):
        await watched.catch_up()
    assert await watched.position() == f"1:{CHUNK}"
    assert await watched.catch_up() == CHUNK
    assert await watched.uids() == list(range(1, 2 * CHUNK + 1))


async def test_a_first_look_that_fails_half_way_begins_again(watched: Watched) -> None:
    """From half way by UID, it would take old mail that lies among the new for new."""
    watched.deliver(count=CHUNK)
    watched.deliver(after=-MINUTE, count=2)
    watched.deliver(count=CHUNK)
    watched.ingest.failing = 2

    with pytest.raises(Unavailable):
        await watched.catch_up()
    assert await watched.position() is None
    await watched.catch_up()
    assert await watched.uids() == [*range(1, CHUNK + 1), *range(CHUNK + 3, 2 * CHUNK + 3)]


async def test_another_listener_that_is_ahead_is_left_to_it(watched: Watched) -> None:
    await watched.catch_up()
    watched.deliver(count=3 * CHUNK)
    watched.ingest.meanwhile = partial(
        watched.cursors.advance, MAILBOX, cursor_name("INBOX"), before="1:0", after="1:250"
    )

    assert await watched.catch_up() == CHUNK
    assert await watched.position() == "1:250"
    assert await watched.catch_up() == 3 * CHUNK - 250


async def test_two_listeners_queue_a_message_once(watched: Watched) -> None:
    other = CatchUpFolder(InMemoryCursors(InMemoryDatabase(), watched.clock), watched.ingest)
    watched.deliver(count=3)
    await watched.catch_up()
    async with watched.folders.open(MAILBOX, "INBOX") as session:
        await other(MAILBOX, "INBOX", session)

    assert await watched.uids() == [1, 2, 3]


# --- A folder that was rebuilt ------------------------------------------------------------------


async def test_a_rebuilt_folder_is_listed_from_where_the_cursor_last_moved(
    watched: Watched,
) -> None:
    watched.deliver(count=5)
    await watched.catch_up()
    await watched.queued()
    watched.clock.advance(timedelta(days=30))
    watched.deliver(after=timedelta(days=29))
    await watched.catch_up()
    await watched.queued()
    watched.deliver(after=timedelta(days=31))
    watched.folders.rebuild(MAILBOX)

    assert await watched.catch_up() == 1
    assert await watched.queued() == [ImapPointer("INBOX", 7, 2)]
    assert await watched.position() == "2:7"


async def test_what_was_queued_just_before_a_rebuild_is_queued_again(watched: Watched) -> None:
    """The pointers that wait in the queue are void. Those that were handled are duplicates."""
    watched.clock.time = ADDED + timedelta(days=10)
    moved_at = timedelta(days=10)
    for before in (OVERLAP + MINUTE, OVERLAP, MINUTE):
        watched.deliver(after=moved_at - before)
    await watched.catch_up()
    await watched.queued()
    watched.folders.rebuild(MAILBOX)
    await watched.catch_up()

    assert await watched.queued() == [ImapPointer("INBOX", 2, 2), ImapPointer("INBOX", 3, 2)]


async def test_a_rebuild_makes_no_old_mail_new(watched: Watched) -> None:
    """The overlap ends where the mailbox was added."""
    watched.deliver(after=-MINUTE, count=3)
    watched.deliver()
    await watched.catch_up()
    await watched.queued()
    watched.folders.rebuild(MAILBOX)
    await watched.catch_up()

    assert await watched.queued() == [ImapPointer("INBOX", 4, 2)]


async def test_after_a_rebuild_the_new_uids_count(watched: Watched) -> None:
    watched.deliver(count=5)
    await watched.catch_up()
    watched.folders.rebuild(MAILBOX)
    await watched.catch_up()
    await watched.queued()
    watched.deliver()

    assert await watched.catch_up() == 1
    assert await watched.queued() == [ImapPointer("INBOX", 6, 2)]


# --- The cursor ---------------------------------------------------------------------------------


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_cursor_is_read_as_it_was_written(uid_validity: int, uid: int) -> None:
    cursor = FolderCursor(uid_validity, uid)

    assert FolderCursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize("position", ["", "7", "1:2:3", "a:b"])
def test_a_cursor_that_is_none_is_not_read(position: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever
        FolderCursor.parse(position)
