"""What every PointerQueue promises of a lane that backs off: one job at a time until it resumes."""

import asyncio
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import LONGEST_DELAY, Claim, LanePauses, PointerQueue
from tests.contracts.pointer_queue.samples import (
    AT_ONCE,
    LEASE,
    MOMENT,
    claimed,
    job,
    jobs,
    let_leases_end,
    names,
)

PORTS = {LanePauses, PointerQueue}

PAUSE = timedelta(minutes=10)


async def back_off(queue: PointerQueue, delay: timedelta = PAUSE) -> None:
    await queue.back_off("acme", "support", "the server is away", delay)


async def waiting_for(queue: PointerQueue) -> timedelta | None:
    """For how long the only lane has been on probation, to seconds."""
    [lane] = await queue.statistics()
    waited = lane.waiting_for
    return None if waited is None else timedelta(seconds=round(waited.total_seconds()))


@pytest.fixture
async def on_probation(queue: PointerQueue, clock: ManualClock) -> PointerQueue:
    """A queue whose lane has six jobs, and whose pause has just ended."""
    await queue.enqueue(jobs(*"abcdef"))
    await back_off(queue)
    clock.advance(PAUSE + MOMENT)
    return queue


async def test_a_lane_that_backs_off_is_paused(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue([*jobs("a", "b"), job("other", mailbox="sales")])
    await back_off(queue)

    [other] = await claimed(queue, 9)
    assert other.job.id == "other"
    assert await queue.acknowledge(other)
    clock.advance(PAUSE - MOMENT)
    assert await names(queue) == []
    [lane] = await queue.statistics()
    assert lane.paused == "the server is away"


async def test_one_job_follows_the_pause_however_many_claim(on_probation: PointerQueue) -> None:
    claims = await asyncio.gather(*(on_probation.claim(4, LEASE) for _ in range(5)))

    assert [claim.job.id for some in claims for claim in some] == ["a"]


async def test_the_next_job_comes_when_that_has_ended(on_probation: PointerQueue) -> None:
    [a] = await claimed(on_probation, 9)
    await on_probation.acknowledge(a)
    [b] = await claimed(on_probation, 9)
    await on_probation.defer(b, LEASE, "away still")
    [c] = await claimed(on_probation, 9)

    assert [claim.job.id for claim in (a, b, c)] == ["a", "b", "c"]


async def test_other_lanes_go_on_as_ever(on_probation: PointerQueue) -> None:
    await on_probation.enqueue(jobs(*"uvwxyz", mailbox="sales"))

    assert sorted(await names(on_probation)) == ["a", "u", "v", "w", "x"]


async def test_a_lane_that_backs_off_again_is_probed_again_after_that(
    on_probation: PointerQueue, clock: ManualClock
) -> None:
    [a] = await claimed(on_probation, 9)
    await back_off(on_probation, 2 * PAUSE)
    await on_probation.defer(a, AT_ONCE, "away still")

    clock.advance(2 * PAUSE - MOMENT)
    assert await names(on_probation) == []
    clock.advance(2 * MOMENT)
    assert await names(on_probation) == ["a"]
    assert await names(on_probation) == []


async def test_a_lane_that_is_resumed_has_all_its_places_again(on_probation: PointerQueue) -> None:
    [a] = await claimed(on_probation, 9)
    assert await on_probation.resume("acme", "support")
    assert not await on_probation.resume("acme", "support")

    assert await names(on_probation) == ["b", "c", "d"]
    await on_probation.acknowledge(a)
    assert await names(on_probation) == ["e"]


async def test_resuming_ends_the_pause_as_well(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*"abcdef"))
    await back_off(queue)

    assert await queue.resume("acme", "support")

    assert await names(queue) == ["a", "b", "c", "d"]
    assert await waiting_for(queue) is None


async def test_an_empty_lane_that_is_resumed_is_forgotten(queue: PointerQueue) -> None:
    await back_off(queue)
    assert await waiting_for(queue) == timedelta()

    assert await queue.resume("acme", "support")

    assert await queue.statistics() == []


async def test_jobs_in_flight_go_on_and_no_other_begins_before_they_have_ended(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcdef"))
    a, b, c, d = await queue.claim(4, 2 * PAUSE)
    await back_off(queue)
    clock.advance(PAUSE + MOMENT)

    for claim in (a, b, c):
        assert await queue.acknowledge(claim)
        assert await names(queue) == []
    assert await queue.renew([d], LEASE) == []
    assert await queue.acknowledge(d)
    assert await names(queue) == ["e"]
    assert await names(queue) == []


async def test_a_claim_tells_for_how_long_its_lane_has_been_on_probation(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    assert claim.probation is None
    await queue.enqueue(jobs("b", "c"))
    await back_off(queue)
    await queue.defer(claim, AT_ONCE, "away")
    assert await waiting_for(queue) == timedelta()

    for waited in (PAUSE + MOMENT, 2 * (PAUSE + MOMENT)):
        clock.advance(PAUSE + MOMENT)
        [probe] = await claimed(queue, 9)
        assert probe.probation is not None
        assert abs(probe.probation - waited) < MOMENT
        assert await waiting_for(queue) == waited
        await back_off(queue)
        await queue.defer(probe, AT_ONCE, "away")

    await queue.resume("acme", "support")
    assert [claim.probation for claim in await claimed(queue, 9)] == [None] * 3


async def test_of_two_pauses_the_longer_holds_and_probation_follows_both(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcdef"))
    await queue.pause("acme", "support", "throttled", delay=2 * PAUSE)
    await back_off(queue)

    clock.advance(PAUSE + MOMENT)
    assert await names(queue) == []
    clock.advance(PAUSE)
    assert await names(queue) == ["a"]


async def test_a_pause_that_has_no_end_holds_whoever_backs_off(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcdef"))
    await queue.pause("acme", "support", "access was revoked")
    await back_off(queue)

    clock.advance(LONGEST_DELAY)

    assert await names(queue) == []
    [lane] = await queue.statistics()
    assert (lane.paused, lane.paused_until) == ("access was revoked", None)


async def test_a_lane_waits_for_no_longer_than_a_month_whatever_is_asked_for(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue([*jobs("a"), job("b", mailbox="sales")])
    await back_off(queue, timedelta(days=3650))
    await queue.pause("acme", "sales", "throttled", delay=timedelta(days=3650))

    clock.advance(LONGEST_DELAY - MOMENT)
    assert await names(queue) == []
    clock.advance(2 * MOMENT)
    assert sorted(await names(queue)) == ["a", "b"]


async def test_whoever_waits_is_woken_when_the_probe_has_ended(on_probation: PointerQueue) -> None:
    [a] = await claimed(on_probation, 9)
    waiting = asyncio.create_task(on_probation.claim(4, LEASE, wait=timedelta(seconds=10)))
    await asyncio.sleep(0.05)  # lets it wait; if it does not yet, it does no harm

    await on_probation.acknowledge(a)

    async with asyncio.timeout(0.8):
        assert [claim.job.id for claim in await waiting] == ["b"]


async def test_a_probe_whose_worker_dies_is_followed_by_one_job(
    on_probation: PointerQueue, clock: ManualClock
) -> None:
    await claimed(on_probation, 9)

    await let_leases_end(on_probation, clock)

    [again] = await claimed(on_probation, 9)
    assert (again.job.id, again.crashes) == ("a", 1)
