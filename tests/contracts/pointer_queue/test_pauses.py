"""What every PointerQueue promises of a lane that is paused."""

import asyncio
from datetime import datetime, timedelta

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, LanePauses, PointerQueue
from tests.contracts.pointer_queue.samples import (
    LEASE,
    claimed,
    job,
    jobs,
    let_leases_end,
    names,
)

PORTS = {LanePauses, PointerQueue}

PAUSE = timedelta(minutes=10)


async def pause_of(queue: PointerQueue) -> tuple[str, datetime | None]:
    """Why the only lane is paused, and until when."""
    [lane] = await queue.statistics()
    return lane.paused, lane.paused_until


def round_(span: timedelta) -> timedelta:
    """To seconds: a queue may take a moment to hear what is wanted of it."""
    return timedelta(seconds=round(span.total_seconds()))


async def test_a_paused_lane_hands_out_nothing_and_the_others_go_on(queue: PointerQueue) -> None:
    await queue.enqueue([*jobs("a", "b"), job("other", mailbox="sales")])

    await queue.pause("acme", "support", "access was revoked")
    await queue.enqueue(jobs("c"))

    assert await names(queue) == ["other"]
    assert await names(queue) == []


async def test_a_resumed_lane_goes_on_where_it_stopped(queue: PointerQueue) -> None:
    await queue.pause("acme", "support", "access was revoked")
    await queue.enqueue(jobs("a", "b"))
    assert await names(queue) == []

    assert await queue.resume("acme", "support")

    claims = await claimed(queue, 9)
    assert [(claim.job.id, claim.attempt) for claim in claims] == [("a", 1), ("b", 1)]


async def test_a_pause_ends_at_its_time(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs("a"))
    await queue.pause("acme", "support", "throttled", delay=PAUSE)

    clock.advance(0.9 * PAUSE)
    assert await names(queue) == []

    clock.advance(0.2 * PAUSE)
    assert await names(queue) == ["a"]
    [lane] = await queue.statistics()
    assert (lane.paused, lane.paused_until) == ("", None)


async def test_of_two_pauses_the_longer_holds(queue: PointerQueue, clock: ManualClock) -> None:
    async def pause(reason: str, delay: timedelta | None) -> tuple[str, timedelta | None]:
        """What holds then, and for how long."""
        await queue.pause("acme", "support", reason, delay=delay)
        why, until = await pause_of(queue)
        return why, round_(until - clock.now()) if until else None

    assert await pause("throttled", 2 * PAUSE) == ("throttled", 2 * PAUSE)
    assert await pause("throttled a little", PAUSE) == ("throttled", 2 * PAUSE)
    assert await pause("throttled more", 3 * PAUSE) == ("throttled more", 3 * PAUSE)
    assert await pause("access was revoked", None) == ("access was revoked", None)
    assert await pause("throttled", PAUSE) == ("access was revoked", None)
    assert await pause("an operator wants it so", None) == ("an operator wants it so", None)


async def test_a_lane_that_is_not_paused_cannot_be_resumed(queue: PointerQueue) -> None:
    await queue.pause("acme", "support", "throttled")

    assert not await queue.resume("acme", "sales")
    assert await queue.resume("acme", "support")
    assert not await queue.resume("acme", "support")
    assert await queue.statistics() == []


async def test_a_job_in_flight_goes_on_and_one_that_comes_back_waits(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.enqueue(jobs("second"))
    [second] = await claimed(queue)
    await queue.pause("acme", "support", "throttled")

    assert await queue.renew([claim, second], LEASE) == []
    assert await queue.acknowledge(claim)
    await let_leases_end(queue, clock)

    assert await names(queue) == []
    await queue.resume("acme", "support")
    [again] = await claimed(queue)
    assert (again.job.id, again.attempt) == ("second", 1)


@pytest.mark.parametrize("how", ["retry", "defer"])
async def test_a_job_that_is_due_in_a_paused_lane_waits(
    queue: PointerQueue, claim: Claim, clock: ManualClock, how: str
) -> None:
    await getattr(queue, how)(claim, LEASE, "away")
    await queue.pause("acme", "support", "throttled")

    clock.advance(2 * LEASE)

    assert await names(queue) == []
    await queue.resume("acme", "support")
    assert await names(queue) == ["first"]


async def test_whoever_waits_is_woken_when_a_lane_is_resumed(ticking_queue: PointerQueue) -> None:
    await ticking_queue.enqueue(jobs("a"))
    await ticking_queue.pause("acme", "support", "throttled")
    waiting = asyncio.create_task(ticking_queue.claim(1, LEASE, wait=timedelta(seconds=20)))
    await asyncio.sleep(0.05)

    await ticking_queue.resume("acme", "support")

    async with asyncio.timeout(0.8):
        [claim] = await waiting
    assert claim.job.id == "a"


async def test_whoever_waits_is_woken_when_a_pause_is_over(ticking_queue: PointerQueue) -> None:
    await ticking_queue.enqueue(jobs("a"))
    until = SystemClock().now() + timedelta(seconds=0.2)
    await ticking_queue.pause("acme", "support", "throttled", delay=timedelta(seconds=0.2))

    async with asyncio.timeout(0.9):
        [claim] = await ticking_queue.claim(1, LEASE, wait=timedelta(seconds=20))

    assert claim.job.id == "a"
    assert SystemClock().now() >= until
