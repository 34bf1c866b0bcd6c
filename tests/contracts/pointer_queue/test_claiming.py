"""What every PointerQueue promises to those who claim, and hold on to their claims."""

import asyncio
from datetime import timedelta

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, PointerConsumer, PointerQueue
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

SOON = timedelta(milliseconds=50)
LONG = timedelta(seconds=10)
WITHOUT_DELAY = 0.8
"""Seconds: less than a queue may take to find by itself what nobody announced."""


async def test_an_empty_queue_yields_nothing(queue: PointerQueue) -> None:
    assert await claimed(queue) == []


async def test_no_more_is_claimed_than_asked_for(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("a", "b", "c"))

    assert await names(queue, 2) == ["a", "b"]
    assert await names(queue, 2) == ["c"]


async def test_the_first_delivery_is_attempt_one(claim: Claim) -> None:
    assert claim.attempt == 1
    assert not claim.reclaimed


async def test_tokens_rise(queue: PointerQueue, claim: Claim) -> None:
    await queue.enqueue(jobs("b", "c"))

    later = [claim.token for claim in await claimed(queue, 2)]

    assert claim.token < later[0] < later[1]


async def test_a_claimed_job_is_not_due_until_its_lease_ends(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    clock.advance(LEASE - MOMENT)

    assert await names(queue) == []


async def test_a_job_whose_lease_ran_out_is_claimed_again(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await let_leases_end(queue, clock)

    [again] = await claimed(queue)
    assert again.job == claim.job
    assert again.attempt == 1
    assert again.reclaimed
    assert again.token > claim.token


async def test_only_the_delivery_after_an_unsettled_one_is_called_reclaimed(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await let_leases_end(queue, clock)
    [second] = await claimed(queue)
    await queue.retry(second, AT_ONCE, "away")

    [third] = await claimed(queue)

    assert third.attempt == 2
    assert not third.reclaimed


async def test_a_renewed_claim_is_held_for_another_lease_from_then(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    clock.advance(LEASE / 2)
    assert await queue.renew([claim], LEASE) == []

    await let_leases_end(queue, clock)
    clock.advance(-2 * MOMENT)
    assert await names(queue) == []
    clock.advance(2 * MOMENT)
    assert await names(queue) == ["first"]


async def test_a_claim_that_nobody_took_over_can_be_renewed_late(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    clock.advance(LEASE + MOMENT)

    assert await queue.renew([claim], LEASE) == []
    assert await names(queue) == []


async def test_renewing_tells_which_claims_are_lost(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.enqueue(jobs("b", "c"))
    b, c = await claimed(queue, 2)
    await queue.acknowledge(b)

    assert await queue.renew([claim, b, c], LEASE) == [b]

    await let_leases_end(queue, clock)
    [*_] = await claimed(queue, 2)
    assert await queue.renew([claim, c], LEASE) == [claim, c]
    assert await queue.renew([], LEASE) == []


async def test_waiting_ends_when_a_job_comes(queue: PointerQueue) -> None:
    waiting = asyncio.create_task(queue.claim(1, LEASE, wait=LONG))
    await asyncio.sleep(SOON.total_seconds())  # lets it wait; if it does not yet, it does no harm

    await queue.enqueue([job("a")])

    async with asyncio.timeout(WITHOUT_DELAY):
        [claim] = await waiting
    assert claim.job.id == "a"


async def test_waiting_ends_when_a_lane_at_its_cap_has_room(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*"abcde"))
    first, *_ = await claimed(queue, 5)
    waiting = asyncio.create_task(queue.claim(1, LEASE, wait=LONG))
    await asyncio.sleep(SOON.total_seconds())

    await queue.acknowledge(first)

    async with asyncio.timeout(WITHOUT_DELAY):
        [claim] = await waiting
    assert claim.job.id == "e"


async def test_all_who_wait_are_woken_when_there_is_work_for_all(queue: PointerQueue) -> None:
    waiting = [asyncio.create_task(queue.claim(1, LEASE, wait=LONG)) for _ in range(3)]
    await asyncio.sleep(SOON.total_seconds())

    await queue.enqueue(jobs("a", "b", "c"))

    async with asyncio.timeout(WITHOUT_DELAY):
        claims = await asyncio.gather(*waiting)
    assert sorted(claim.job.id for [claim] in claims) == ["a", "b", "c"]


async def test_waiting_ends_when_a_delayed_job_is_due(ticking_queue: PointerQueue) -> None:
    await ticking_queue.enqueue([job("a")])
    [claim] = await claimed(ticking_queue)
    await ticking_queue.retry(claim, SOON, "away")

    async with asyncio.timeout(WITHOUT_DELAY):
        [again] = await ticking_queue.claim(1, LEASE, wait=LONG)

    assert again.attempt == 2


async def test_waiting_ends_when_a_lease_ends(ticking_queue: PointerQueue) -> None:
    await ticking_queue.enqueue([job("a")])
    await ticking_queue.claim(1, SOON)

    async with asyncio.timeout(WITHOUT_DELAY):
        [again] = await ticking_queue.claim(1, LEASE, wait=LONG)

    assert again.reclaimed


async def test_waiting_in_vain_ends_in_time(queue: PointerQueue) -> None:
    async with asyncio.timeout(WITHOUT_DELAY):
        assert await queue.claim(1, LEASE, wait=SOON) == []


async def test_a_claim_that_is_cancelled_takes_nothing_along(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("a", "b"))
    for _ in range(5):
        claiming = asyncio.create_task(queue.claim(9, LEASE, wait=LONG))
        await asyncio.sleep(0)
        claiming.cancel()
        await asyncio.wait([claiming])
        if not claiming.cancelled():  # it had its claims before it could be cancelled
            for claim in claiming.result():
                await queue.release(claim)

    claims = await claimed(queue, 9)

    assert [(claim.job.id, claim.attempt) for claim in claims] == [("a", 1), ("b", 1)]
