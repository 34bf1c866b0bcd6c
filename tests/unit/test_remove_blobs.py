"""Blobs that nothing refers to, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from postroom.adapters.memory.blobs import InMemoryBlobReferences, InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.application import remove_blobs
from postroom.application.ports import BlobReferences
from postroom.application.remove_blobs import GRACE, RemoveBlobs, SweepBlobs
from postroom.domain.failure import Unavailable
from tests.contracts.samples import comment, failing_block, imap_mailbox

MAILBOX = imap_mailbox()
MOMENT = timedelta(seconds=1)


@dataclass
class Desk:
    clock: ManualClock

    def __post_init__(self) -> None:
        self.database = InMemoryDatabase()
        self.helpdesk = InMemoryHelpdesk(self.database)
        self.ledger = InMemoryIdempotencyLedger(self.database)
        self.blobs = InMemoryBlobStore(self.clock)
        self.references: BlobReferences = InMemoryBlobReferences(self.database)

    @property
    def remove(self) -> RemoveBlobs:
        return RemoveBlobs(self.blobs, self.references, self.clock)

    def sweeping(self) -> SweepBlobs:
        return SweepBlobs(self.blobs, self.remove, self.clock)

    async def put(self, content: bytes = b"Raw") -> str:
        return await self.blobs.put("acme", content)

    async def file(self, key: str) -> None:
        await self.helpdesk.open_ticket(MAILBOX, replace(comment(f"{key}@x"), original=key))

    async def is_there(self, key: str) -> bool:
        return await self.blobs.get("acme", key) is not None


@pytest.fixture
def desk(clock: ManualClock) -> Desk:
    return Desk(clock)


async def test_what_is_referred_to_stays_for_ever(desk: Desk) -> None:
    key = await desk.put()
    await desk.file(key)

    for _ in range(5):
        desk.clock.advance(timedelta(days=100))
        assert await desk.remove("acme", [key]) == 0
        assert await desk.sweeping()() == 0

    assert await desk.is_there(key)


async def test_what_nothing_refers_to_is_gone_two_hours_later(desk: Desk) -> None:
    key = await desk.put()

    removed = []
    for _ in range(3):
        removed.append(await desk.remove("acme", [key]))
        desk.clock.advance(GRACE + MOMENT)

    assert removed == [0, 0, 1]
    assert not await desk.is_there(key)


async def test_what_was_put_within_the_hour_may_be_about_to_be_referred_to(desk: Desk) -> None:
    key = await desk.put()
    desk.clock.advance(GRACE)

    await desk.remove("acme", [key])
    await desk.file(key)
    desk.clock.advance(timedelta(days=1))
    await desk.remove("acme", [key])

    assert await desk.is_there(key)


async def test_what_is_put_again_while_references_are_looked_for_stays(desk: Desk) -> None:
    """A filing that was rolled back an hour ago is made again at the worst moment."""

    @dataclass
    class PutMeanwhile(BlobReferences):
        references: BlobReferences

        async def unreferenced(self, tenant: str, keys: Sequence[str]) -> Sequence[str]:
            found = await self.references.unreferenced(tenant, keys)
            await desk.put()
            return found

    key = await desk.put()
    desk.clock.advance(GRACE + MOMENT)
    desk.references = PutMeanwhile(desk.references)

    for _ in range(3):
        assert await desk.remove("acme", [key]) == 0

    assert await desk.is_there(key)


# --- Sweeps


async def test_a_sweep_finds_what_rolled_back_filings_have_left(desk: Desk) -> None:
    kept, left = await desk.put(b"kept"), await desk.put(b"left")
    await desk.file(kept)
    async with failing_block(desk.ledger, MAILBOX):
        await desk.file(left)

    sweep, removed = desk.sweeping(), 0
    for _ in range(3):
        desk.clock.advance(GRACE + MOMENT)
        removed += await sweep()

    assert removed == 1
    assert [await desk.is_there(key) for key in (kept, left)] == [True, False]


async def test_a_sweep_is_bounded_and_the_next_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remove_blobs, "PAGE", 2)
    monkeypatch.setattr(remove_blobs, "PAGES", 2)
    keys = [await desk.put(str(n).encode()) for n in range(10)]
    for key in keys:  # all are set aside
        await desk.blobs.delete("acme", key, unused_since=desk.clock.now() + MOMENT)
    desk.clock.advance(GRACE + MOMENT)
    sweep = desk.sweeping()

    assert [await sweep() for _ in range(4)] == [4, 4, 2, 0]


async def test_a_sweep_that_failed_is_made_again(desk: Desk) -> None:
    class Away(BlobReferences):
        async def unreferenced(self, *_: object) -> Sequence[str]:
            raise Unavailable("PostgreSQL is away")

    await desk.put()
    desk.clock.advance(GRACE + MOMENT)
    working, desk.references = desk.references, Away()
    with pytest.raises(Unavailable):
        await desk.sweeping()()

    desk.references = working
    sweep = desk.sweeping()
    assert await sweep() == 0  # it is set aside
    desk.clock.advance(GRACE + MOMENT)
    assert await sweep() == 1


async def test_each_tenant_is_looked_at_by_itself(desk: Desk) -> None:
    key = await desk.put()
    await desk.blobs.put("globex", b"Raw")
    await desk.file(key)

    sweep = desk.sweeping()
    for _ in range(2):
        desk.clock.advance(GRACE + MOMENT)
        await sweep()

    assert await desk.is_there(key)
    assert await desk.blobs.get("globex", key) is None
