"""What every PointerQueue tells of its lanes."""

from dataclasses import replace
from datetime import timedelta

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, LaneStatistics, PointerQueue
from tests.contracts.pointer_queue.samples import LEASE, MOMENT, claimed, job, jobs

PORTS = {PointerQueue}

NOTHING = LaneStatistics(
    tenant="acme",
    mailbox="support",
    ready=0,
    delayed=0,
    in_flight=0,
    dead=0,
    oldest_age=timedelta(),
)


async def lane(queue: PointerQueue) -> LaneStatistics:
    """The only lane, without its age."""
    [only] = await queue.statistics()
    return replace(only, oldest_age=timedelta())


async def test_an_empty_queue_has_no_lanes(queue: PointerQueue) -> None:
    assert await queue.statistics() == []


async def test_each_job_of_a_lane_is_counted_where_it_is(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcdefghij"))
    a, b, c, d = await claimed(queue, 4)
    await queue.bury(a, "broken")
    await queue.retry(b, LEASE, "away")
    await queue.defer(c, LEASE, "throttled")

    assert await lane(queue) == replace(NOTHING, ready=6, delayed=2, in_flight=1, dead=1)

    await queue.release(d)
    assert await lane(queue) == replace(NOTHING, ready=7, delayed=2, dead=1)


async def test_a_job_is_counted_where_it_goes(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    assert await lane(queue) == replace(NOTHING, in_flight=1)

    await queue.retry(claim, LEASE, "away")
    assert await lane(queue) == replace(NOTHING, delayed=1)

    clock.advance(LEASE + MOMENT)
    [again] = await claimed(queue)
    assert await lane(queue) == replace(NOTHING, in_flight=1)

    await queue.bury(again, "broken")
    assert await lane(queue) == replace(NOTHING, dead=1)

    await queue.redrive(["first"])
    assert await lane(queue) == replace(NOTHING, ready=1)

    [last] = await claimed(queue)
    await queue.acknowledge(last)
    assert await queue.statistics() == []


async def test_a_lane_at_its_cap_is_told_of(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*"abcdef"))
    await claimed(queue, 9)

    assert await lane(queue) == replace(NOTHING, ready=2, in_flight=4)


async def test_lanes_come_by_tenant_and_mailbox(queue: PointerQueue) -> None:
    await queue.enqueue([job("1", tenant="b", mailbox="a"), job("2", tenant="a-b", mailbox="a")])
    await queue.enqueue([job("3", tenant="a", mailbox="b"), job("4", tenant="a", mailbox="a.b")])
    await queue.enqueue([job("5", tenant="a", mailbox="a")])

    statistics = await queue.statistics()

    lanes = [(lane.tenant, lane.mailbox) for lane in statistics]
    assert lanes == [("a", "a"), ("a", "a.b"), ("a", "b"), ("a-b", "a"), ("b", "a")]
    assert all(lane.ready == 1 for lane in statistics)


async def test_many_lanes_are_all_told_of(queue: PointerQueue) -> None:
    await queue.enqueue([job(f"j{n}", mailbox=f"m{n:03}") for n in range(450)])

    statistics = await queue.statistics()

    assert [lane.mailbox for lane in statistics] == [f"m{n:03}" for n in range(450)]
    assert all(lane.ready == 1 for lane in statistics)


async def test_the_age_is_that_of_the_oldest_ready_job(
    queue: PointerQueue, clock: ManualClock
) -> None:
    began = clock.now()
    for minute, name in enumerate("abc"):
        await queue.enqueue([replace(job(name), enqueued_at=began + timedelta(minutes=minute))])
    clock.advance(timedelta(minutes=10))

    async def age() -> float:
        [only] = await queue.statistics()
        return round(only.oldest_age / timedelta(minutes=1), 1)

    assert await age() == 10
    a, b = await claimed(queue, 2)
    assert await age() == 8
    await queue.release(b)
    assert await age() == 9
    await queue.release(a)
    assert await age() == 10
    await claimed(queue, 3)
    assert await age() == 0
