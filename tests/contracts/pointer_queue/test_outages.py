"""What every PointerQueue does when no worker could reach it for a while: no job pays for that."""

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, PointerConsumer, PointerQueue
from tests.contracts.pointer_queue.samples import (
    AT_ONCE,
    LEASE,
    MOMENT,
    claimed,
    job,
    let_leases_end,
    names,
)

PORTS = {PointerConsumer, PointerQueue}

OUTAGE = 10 * LEASE


async def test_whoever_holds_a_job_has_another_lease_after_an_outage(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    clock.advance(OUTAGE)

    assert await names(queue) == []
    clock.advance(0.4 * LEASE)
    assert await names(queue) == []
    assert await queue.renew([claim], LEASE) == []
    assert await queue.retry(claim, AT_ONCE, "away")
    [again] = await claimed(queue)
    assert (again.reclaimed, again.crashes) == (False, 0)


@pytest.mark.parametrize("first", ["claims", "renews"])
async def test_it_does_not_matter_which_worker_is_back_first(
    queue: PointerQueue, claim: Claim, clock: ManualClock, first: str
) -> None:
    await queue.enqueue([job("b")])
    [b] = await claimed(queue)
    clock.advance(OUTAGE)

    if first == "claims":
        assert await names(queue) == []
    else:
        assert await queue.renew([b], LEASE) == []

    assert await names(queue) == []
    assert await queue.renew([claim, b], LEASE) == []


async def test_a_short_outage_at_the_end_of_a_lease_costs_nothing_either(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    clock.advance(LEASE / 3)
    await queue.renew([claim], LEASE)
    clock.advance(0.9 * LEASE)
    await queue.enqueue([job("b")])
    assert await names(queue) == ["b"]

    clock.advance(0.4 * LEASE)

    assert await names(queue) == []
    assert await queue.renew([claim], LEASE) == []


async def test_a_job_whose_worker_does_not_come_back_is_claimed_again_a_lease_later(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    clock.advance(OUTAGE)
    assert await names(queue) == []

    await let_leases_end(queue, clock)

    [again] = await claimed(queue)
    assert (again.job, again.reclaimed, again.crashes) == (claim.job, True, 1)


async def test_a_lease_is_prolonged_by_one_outage_and_by_the_next_only_if_it_was_renewed(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.enqueue([job("b")])
    [b] = await claimed(queue)
    clock.advance(OUTAGE)
    await queue.renew([b], LEASE)

    clock.advance(OUTAGE)

    assert await names(queue) == ["first"]
    assert await queue.renew([b], LEASE) == []


async def test_a_lease_that_is_longer_than_that_of_others_stays_as_long(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue([job("a")])
    [a] = await queue.claim(1, 3 * LEASE)

    clock.advance(LEASE)
    assert await names(queue) == []
    for _ in range(4):
        clock.advance(0.4 * LEASE)
        assert await names(queue) == []
    assert await queue.renew([a], LEASE) == []


async def test_nothing_is_prolonged_where_nothing_is_in_flight(
    queue: PointerQueue, clock: ManualClock
) -> None:
    clock.advance(OUTAGE)
    await queue.enqueue([job("a")])

    assert await names(queue) == ["a"]
    clock.advance(LEASE / 2 - MOMENT)
    assert await names(queue) == []
    clock.advance(LEASE / 2 - MOMENT)
    assert await names(queue) == []
    clock.advance(3 * MOMENT)
    assert await names(queue) == ["a"]
