"""A worker of this release handles what the release before has queued, and its dead letters."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import NoReturn

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.fetcher import source_of
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.application.consume_job import ConsumeJob
from postroom.application.file_message import FileMessage
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import MaintainFolder
from postroom.application.ports import (
    Arrival,
    ChangeSource,
    ChangesPage,
    FetchedMessage,
    MessageFetcher,
)
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import TrackAccess
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.folder_sync import SyncIntervals
from postroom.domain.inbound_age import InboundAge
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import name_of
from postroom.domain.pointer import Pointer
from tests.adapters.first_release.claiming import LEASE
from tests.adapters.first_release.recorded import RECORDED_AT, at
from tests.consuming import consuming, track_sources
from tests.providers import ACCOUNTS, POINTERS


class OneEverywhere(MessageFetcher):
    """Every pointer leads to a message, that no other leads to."""

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:  # noqa: ARG002
        source = source_of(pointer)
        raw = f"From: ada@sender.example\r\nSubject: {source}\r\n\r\nHello\r\n"
        return FetchedMessage(source, raw.encode(), RECORDED_AT)


@dataclass
class OneMore(ChangeSource):
    """One message has come to a mailbox of Gmail since. *begun_at* are the positions it knew."""

    begun_at: list[str] = field(default_factory=list)

    async def position(self, *_: object) -> NoReturn:
        raise AssertionError("there is a position already")

    async def since(self, mailbox: Mailbox, _: str, position: str) -> AsyncIterator[ChangesPage]:
        self.begun_at.append(position)
        new = GooglePointer(1, mailbox.address, message_ids=("new",))
        yield ChangesPage((Arrival(new),), "1049", is_last=True)

    async def received_after(self, *_: object) -> AsyncIterator[NoReturn]:
        raise AssertionError("nothing is owed")
        yield


@dataclass
class Worker:
    queue: RedisPointerQueue
    consume: ConsumeJob

    async def work(self) -> Counter[tuple[str, str]]:
        """How many attempts ended how, by mailbox, until there is nothing more to do now."""
        ended: Counter[tuple[str, str]] = Counter()
        while claims := await self.queue.claim(100, LEASE):
            for claim in claims:
                consumed = await self.consume(claim)
                assert consumed.settled
                ended[claim.job.mailbox, name_of(consumed.outcome)] += 1
        return ended


@pytest.fixture
def changes() -> OneMore:
    return OneMore()


@pytest.fixture
def worker(
    database: Database,
    registry: PostgresMailboxRegistry,
    queue: RedisPointerQueue,
    clock: ManualClock,
    changes: OneMore,
) -> Worker:
    made = [InMemoryProvider(name=n, account=ACCOUNTS[n], pointer=POINTERS[n])() for n in ACCOUNTS]
    providers = Providers(replace(each, fetcher=OneEverywhere(), changes=changes) for each in made)
    folder_syncs, outcomes = PostgresFolderSyncs(database), PostgresOutcomes(database, POINTERS)
    access = TrackAccess(registry, queue, ResumeMailbox(registry, queue), clock)
    sources = track_sources(clock)
    ingest, age = IngestPointer(queue, clock), InboundAge()
    maintain = MaintainFolder(
        registry=registry,
        folder_syncs=folder_syncs,
        providers=providers,
        sync=SyncFolder(providers, folder_syncs, outcomes, ingest, clock, age, queue),
        access=access,
        sources=sources,
        slow_calls=SlowCalls(places=256),
        pull_states=InMemoryPullStates(),
        clock=clock,
        intervals=SyncIntervals(),
    )
    consume = consuming(
        queue=queue,
        registry=registry,
        providers=providers,
        trigger_sync=TriggerSync(folder_syncs, maintain, ingest, clock),
        ledger=PostgresIdempotencyLedger(database),
        processor=FileMessage(
            PostgresHelpdesk(database), InMemoryBlobStore(), Nh3Sanitiser(), AtOnce()
        ),
        outcomes=outcomes,
        access=access,
        sources=sources,
        clock=clock,
    )
    return Worker(queue, consume)


@pytest.fixture
async def later(clock: ManualClock, queue: RedisPointerQueue) -> None:
    """All leases of that release have ended, and all that it has delayed is due."""
    clock.time = at(10, 30)
    for _ in range(4):  # the first worker after an outage prolongs the leases of the others
        await queue.claim(0, LEASE)
        clock.advance(LEASE / 2)


@pytest.mark.usefixtures("later")
async def test_all_that_waits_is_handled(worker: Worker, changes: OneMore) -> None:
    assert await worker.work() == {
        ("info", "completed"): 4,
        ("info", "expanded"): 1,
        ("invoices", "completed"): 1,
        ("sales", "completed"): 4,
        ("support", "completed"): 7,
        ("desk", "deferred"): 1,
        ("hr", "dead"): 1,
    }
    assert changes.begun_at == ["1042"]
    assert await worker.work() == {}


@pytest.mark.usefixtures("later")
async def test_its_dead_letters_can_be_redriven_and_handled(
    worker: Worker, queue: RedisPointerQueue
) -> None:
    await worker.work()
    letters = [each.id for each in (await queue.dead_letters()).letters]

    assert await queue.redrive(letters) == letters

    assert await worker.work() == {
        ("former", "dead"): 1,
        ("hr", "dead"): 2,
        ("info", "completed"): 1,
        ("info", "expanded"): 1,
        ("sales", "completed"): 1,
        ("team", "completed"): 1,
    }
    left = [(each.mailbox, each.reason) for each in (await queue.dead_letters()).letters]
    assert sorted(left) == [
        ("former", "unknown mailbox"),
        *[("hr", "unreadable record: microsoft/2 2 int_type")] * 2,
    ]
