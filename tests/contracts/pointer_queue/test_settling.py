"""What every PointerQueue promises to those who settle a claim."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import LONGEST_DELAY, Claim, PointerConsumer, PointerQueue
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

PORTS = {PointerConsumer, PointerQueue}

Settle = Callable[[PointerQueue, Claim], Awaitable[bool]]

WAYS: dict[str, Settle] = {
    "acknowledge": lambda queue, claim: queue.acknowledge(claim),
    "retry": lambda queue, claim: queue.retry(claim, AT_ONCE, "away"),
    "defer": lambda queue, claim: queue.defer(claim, AT_ONCE, "throttled"),
    "crashed": lambda queue, claim: queue.crashed(claim, AT_ONCE, "its process died"),
    "bury": lambda queue, claim: queue.bury(claim, "broken"),
    "release": lambda queue, claim: queue.release(claim),
}


@pytest.fixture(params=WAYS)
def settle(request: pytest.FixtureRequest) -> Settle:
    return WAYS[request.param]


@pytest.mark.parametrize("way", ["acknowledge", "bury"])
async def test_a_job_that_has_ended_never_comes_back(
    queue: PointerQueue, claim: Claim, clock: ManualClock, way: str
) -> None:
    assert await WAYS[way](queue, claim)

    clock.advance(LEASE + MOMENT)
    assert await names(queue) == []


async def test_a_retried_job_is_due_when_asked_and_has_cost_an_attempt(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    assert await queue.retry(claim, 2 * LEASE, "away")

    clock.advance(2 * LEASE - MOMENT)
    assert await names(queue) == []
    clock.advance(2 * MOMENT)
    [again] = await claimed(queue)
    assert again.attempt == 2


async def test_a_deferred_job_is_due_when_asked_and_has_cost_nothing(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    assert await queue.defer(claim, 2 * LEASE, "throttled")

    clock.advance(2 * LEASE - MOMENT)
    assert await names(queue) == []
    clock.advance(2 * MOMENT)
    [again] = await claimed(queue)
    assert again.attempt == 1


async def test_a_released_job_is_due_at_once_and_has_cost_nothing(
    queue: PointerQueue, claim: Claim
) -> None:
    assert await queue.release(claim)

    [again] = await claimed(queue)
    assert again.attempt == 1
    assert not again.reclaimed


async def test_attempts_that_count_add_up_over_those_that_do_not(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    attempts = []
    for way in ("retry", "defer", "release", "crashed", "retry", "release", "defer"):
        await WAYS[way](queue, claim)
        [claim] = await claimed(queue)
        attempts.append(claim.attempt)

    assert attempts == [2, 2, 2, 2, 3, 3, 3]


@pytest.mark.parametrize("way", ["retry", "defer", "crashed"])
async def test_a_job_waits_for_no_longer_than_a_month_whatever_is_asked_for(
    queue: PointerQueue, claim: Claim, clock: ManualClock, way: str
) -> None:
    await getattr(queue, way)(claim, timedelta(days=3650), "away")

    clock.advance(LONGEST_DELAY - MOMENT)
    assert await names(queue) == []
    clock.advance(2 * MOMENT)
    assert await names(queue) == ["first"]


@pytest.mark.parametrize("way", ["retry", "defer", "crashed"])
async def test_a_job_whose_delay_is_over_before_it_begins_is_due_at_once(
    queue: PointerQueue, claim: Claim, way: str
) -> None:
    await getattr(queue, way)(claim, -LEASE, "away")

    assert await names(queue) == ["first"]


async def test_a_claim_can_be_settled_late_if_nobody_took_over(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    clock.advance(LEASE + MOMENT)

    assert await queue.acknowledge(claim)
    assert await names(queue) == []


async def test_a_claim_is_settled_once(
    queue: PointerQueue, claim: Claim, clock: ManualClock, settle: Settle
) -> None:
    assert await queue.release(claim)

    assert not await settle(queue, claim)

    [again] = await claimed(queue)
    assert again.attempt == 1


async def test_an_old_claim_cannot_be_settled(
    queue: PointerQueue, claim: Claim, clock: ManualClock, settle: Settle
) -> None:
    await let_leases_end(queue, clock)
    [current] = await claimed(queue)

    assert not await settle(queue, claim)

    assert await names(queue) == []
    assert (await queue.dead_letters()).letters == []
    assert await queue.renew([current], LEASE) == []
    assert await queue.acknowledge(current)


async def test_a_claim_of_a_job_that_was_queued_anew_cannot_be_settled(
    queue: PointerQueue, claim: Claim, clock: ManualClock, settle: Settle
) -> None:
    await queue.acknowledge(claim)
    await queue.enqueue([claim.job])
    [current] = await claimed(queue)

    assert not await settle(queue, claim)

    assert current.attempt == claim.attempt
    assert await queue.acknowledge(current)


async def test_a_claim_of_an_unknown_job_cannot_be_settled(
    queue: PointerQueue, clock: ManualClock, settle: Settle
) -> None:
    unknown = Claim(job("unknown"), attempt=1, token=1)

    assert not await settle(queue, unknown)

    assert await names(queue) == []
    assert await queue.statistics() == []


@pytest.mark.parametrize("way", ["retry", "defer", "crashed", "release"])
async def test_jobs_that_come_back_go_to_the_head_oldest_first(
    queue: PointerQueue, clock: ManualClock, way: str
) -> None:
    await queue.enqueue(jobs(*"abcd"))
    a, b, c = await claimed(queue, 3)

    for claim in (b, a, c):
        await WAYS[way](queue, claim)

    assert await names(queue) == ["a", "b", "c", "d"]


async def test_jobs_that_were_reclaimed_go_to_the_head_oldest_first(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcd"))
    a, *_ = await claimed(queue, 3)
    await queue.renew([a], LEASE + 2 * MOMENT)

    await let_leases_end(queue, clock)
    assert await names(queue, 1) == ["b"]
    clock.advance(2 * MOMENT)
    assert await names(queue, 3) == ["a", "c", "d"]


async def test_a_job_keeps_its_place_however_often_it_comes_back(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abc"))
    for _ in range(3):
        a, b = await claimed(queue, 2)
        await queue.release(b)
        await queue.retry(a, AT_ONCE, "away")

    assert await names(queue) == ["a", "b", "c"]
