"""From a message in a real mailbox to its pointer in the queue, and back to the message."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.application.watch_folder import CatchUpFolder

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.fetcher import ImapFetcher
from postroom.adapters.imap.folders import ImapFolders
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import FetchedMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.listener import Listener
from tests.served_mailbox import ADDED_AT, ServedMailbox

FOLDER = "Anfragen & mehr"
ON_THE_WIRE = "Anfragen &- mehr"
BRIEF = timedelta(milliseconds=100)
BOUND = timedelta(seconds=20)


def mail(number: int) -> bytes:
    return b"Subject: %d\r\nMessage-ID: <%d@x.example>\r\n\r\nHello\r\n" % (number, number)


@dataclass
class Listening:
    served: ServedMailbox
    mailbox: Mailbox
    queue: InMemoryPointerQueue
    fetcher: ImapFetcher

    def deliver(self, number: int, *, before_adding: bool = False) -> None:
        received_at = ADDED_AT - timedelta(days=1) if before_adding else ADDED_AT
        self.served.deliver(mail(number), folder=ON_THE_WIRE, received_at=received_at)

    async def next(self) -> FetchedMessage:
        """Wait for the next job, and fetch what it points at."""
        (claim,) = await self.queue.claim(1, BOUND, wait=BOUND)
        await self.queue.acknowledge(claim)
        return await self.fetcher.fetch(self.mailbox, claim.job.pointer)


@pytest.fixture
async def listening(served: ServedMailbox) -> AsyncIterator[Listening]:
    """A listener on a folder that has one old message and one that is new."""
    clock, database = ManualClock(ADDED_AT), InMemoryDatabase()
    mailbox = replace(served.mailbox, account=replace(served.account, folders=(FOLDER,)))
    registry, queue = InMemoryMailboxRegistry(database), InMemoryPointerQueue(clock)
    await registry.add(mailbox)
    pool, client = ConnectionPool(ImapClient()), ImapClient()
    listener = Listener(
        registry,
        ImapFolders(client),
        CatchUpFolder(InMemoryCursors(database, clock), IngestPointer(queue, clock)),
        look_again=BRIEF,
        look_every=BRIEF,
        reconnect=RetryPolicy(base=timedelta(milliseconds=10), ceiling=BRIEF),
    )
    rig = Listening(served, mailbox, queue, ImapFetcher(pool))
    served.create(ON_THE_WIRE)
    rig.deliver(1, before_adding=True)
    rig.deliver(2)
    stop = asyncio.Event()
    running = asyncio.create_task(listener.run(stop))
    yield rig
    stop.set()
    async with asyncio.timeout(5):
        await running
    await pool.aclose()


async def test_what_comes_in_is_queued_and_fetched(listening: Listening) -> None:
    assert (await listening.next()).raw == mail(2)

    listening.deliver(3)
    assert (await listening.next()).raw == mail(3)


async def test_what_comes_in_while_the_connection_is_cut_off_is_queued(
    listening: Listening,
) -> None:
    await listening.next()
    for number in (3, 4, 5):
        listening.served.cut_off()
        listening.deliver(number)

        assert (await listening.next()).raw == mail(number)


async def test_a_rebuilt_folder_is_listened_to_as_before(listening: Listening) -> None:
    """Even where the server lets the old session live on: nothing stops silently."""
    first = await listening.next()
    listening.served.rebuild(ON_THE_WIRE)
    again = await listening.next()  # to be handled once, by its Message-ID
    listening.deliver(3)

    assert again.raw == first.raw
    assert again.source != first.source
    assert (await listening.next()).raw == mail(3)
