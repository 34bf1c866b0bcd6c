"""What was handed over is deleted in its time, and its original after it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.blobs import InMemoryBlobReferences, InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.shadow_rows import InMemoryShadowRows
from postroom.application import expire_handovers
from postroom.application.expire_handovers import ExpireHandovers
from postroom.application.ports import Answered, HandoverFilter
from postroom.application.remove_blobs import GRACE, RemoveBlobs, SweepBlobs
from postroom.domain.handover.answer import Answer, Done, Refused
from postroom.domain.handover.application import InvalidApplication
from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import SHADOW_LASTS
from tests.contracts.handing_over import CRM, DAY, SECOND, new_handover


class Hub:
    def __init__(self, clock: ManualClock) -> None:
        database = InMemoryDatabase()
        self.clock = clock
        self.handovers = InMemoryHandovers(database, clock)
        self.records = InMemoryHandoverRecords(database, clock)
        self.shadow_rows = InMemoryShadowRows(database, clock)
        self.applications = InMemoryApplications(database)
        self.blobs = InMemoryBlobStore(clock)
        remove = RemoveBlobs(self.blobs, InMemoryBlobReferences(database), clock)
        self.sweep_blobs = SweepBlobs(self.blobs, remove, clock)
        self.expire = ExpireHandovers(self.records, self.shadow_rows)

    async def handed_over(self, key: str, answer: Answer, content: bytes = b"Raw") -> str:
        blob = await self.blobs.put("acme", content)
        new = replace(new_handover(key, self.clock.now()), raw=blob)
        assert await self.handovers.accept(CRM, new)
        [call] = (await self.handovers.claim(CRM, 10)).calls
        await self.handovers.settle(CRM, [Answered(call.handover, answer)], draw=0.0)
        return blob

    async def keys(self) -> list[str]:
        return [each.handover.key for each in await self.records.find(HandoverFilter())]


@pytest.fixture
def hub(clock: ManualClock) -> Hub:
    return Hub(clock)


async def test_a_handover_goes_with_its_retention_and_its_original_after_the_grace(
    hub: Hub,
) -> None:
    blob = await hub.handed_over("a", Done())
    hub.clock.advance(7 * DAY + SECOND)

    assert await hub.expire() == 1
    assert await hub.keys() == []
    assert await hub.blobs.get("acme", blob) is not None

    await hub.sweep_blobs()  # it is set aside first
    hub.clock.advance(GRACE + SECOND)
    await hub.sweep_blobs()
    assert await hub.blobs.get("acme", blob) is None


async def test_an_original_stays_as_long_as_another_handover_has_it(hub: Hub) -> None:
    blob = await hub.handed_over("a", Done())
    hub.clock.advance(6 * DAY)
    assert await hub.handed_over("b", Done()) == blob
    hub.clock.advance(2 * DAY)

    assert await hub.expire() == 1
    for _ in range(3):
        await hub.sweep_blobs()
        hub.clock.advance(GRACE + SECOND)

    assert await hub.keys() == ["b"]
    assert await hub.blobs.get("acme", blob) is not None


async def test_a_retention_of_nothing_ends_with_the_next_sweep(hub: Hub) -> None:
    await hub.applications.add(replace(CRM, retention=timedelta()))
    await hub.handed_over("a", Done())
    hub.clock.advance(SECOND)

    assert await hub.expire() == 1


async def test_a_dead_letter_waits_for_a_person(hub: Hub) -> None:
    await hub.handed_over("a", Refused(reason="no"))
    hub.clock.advance(365 * DAY)

    assert await hub.expire() == 0
    assert await hub.keys() == ["a"]


async def test_what_came_in_shadow_goes_when_no_change_goes_back_so_far(hub: Hub) -> None:
    new = new_handover("a", hub.clock.now())
    in_shadow = replace(new, handover=replace(new.handover, state=State.SHADOW))
    assert await hub.handovers.accept(CRM, in_shadow)
    hub.clock.advance(SHADOW_LASTS)

    assert await hub.expire() == 0
    hub.clock.advance(SECOND)
    assert await hub.expire() == 1
    assert await hub.keys() == []


async def test_a_sweep_deletes_in_batches_and_the_next_one_goes_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire_handovers, "BATCH", 2)
    monkeypatch.setattr(expire_handovers, "BATCHES", 2)
    for n in range(5):
        await hub.handed_over(f"a{n}", Done())
    hub.clock.advance(8 * DAY)

    assert [await hub.expire(), await hub.expire(), await hub.expire()] == [4, 1, 0]


def test_a_retention_is_not_negative() -> None:
    with pytest.raises(InvalidApplication, match="retention"):
        replace(CRM, retention=-DAY)
