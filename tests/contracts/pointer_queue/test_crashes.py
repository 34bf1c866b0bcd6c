"""What every PointerQueue counts of jobs whose workers die: apart from their attempts."""

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, DeadLetterQueue, PointerConsumer, PointerQueue
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

PORTS = {PointerConsumer, DeadLetterQueue, PointerQueue}

DIED = "its process died"


def counts(claim: Claim) -> tuple[int, int, int]:
    """The attempt, the crashes, and those alone."""
    return claim.attempt, claim.crashes, claim.solo_crashes


async def crash(queue: PointerQueue, clock: ManualClock) -> Claim:
    """Let the leases of all run out; the next claim of one."""
    await let_leases_end(queue, clock)
    [claim] = await claimed(queue)
    return claim


async def test_a_job_that_never_failed_has_no_crash(claim: Claim) -> None:
    assert counts(claim) == (1, 0, 0)


async def test_a_lease_that_runs_out_is_a_crash_and_costs_no_attempt(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    assert counts(await crash(queue, clock)) == (1, 1, 0)
    assert counts(await crash(queue, clock)) == (1, 2, 0)


async def test_a_crash_alone_is_counted_apart_and_its_job_waits(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    assert await queue.crashed(claim, 2 * LEASE, DIED)

    clock.advance(2 * LEASE - MOMENT)
    assert await names(queue) == []
    clock.advance(2 * MOMENT)
    [again] = await claimed(queue)
    assert counts(again) == (1, 0, 1)
    assert not again.reclaimed


async def test_crashes_are_remembered_whatever_becomes_of_the_job_meanwhile(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    claim = await crash(queue, clock)
    await queue.crashed(claim, AT_ONCE, DIED)
    for way in (queue.retry, queue.defer):
        [claim] = await claimed(queue)
        await way(claim, AT_ONCE, "away")
    [claim] = await claimed(queue)
    await queue.release(claim)

    [claim] = await claimed(queue)

    assert counts(claim) == (2, 1, 1)


async def test_neighbours_in_flight_are_counted_each_by_its_own(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    claim = await crash(queue, clock)
    await queue.enqueue([job("other")])
    [other] = await claimed(queue)

    await queue.crashed(claim, AT_ONCE, DIED)
    await queue.retry(other, AT_ONCE, "away")

    assert [counts(each) for each in await claimed(queue, 2)] == [(1, 1, 1), (2, 0, 0)]


async def test_a_dead_letter_tells_how_often_its_job_crashed(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    claim = await crash(queue, clock)
    await queue.crashed(claim, AT_ONCE, DIED)
    [claim] = await claimed(queue)
    await queue.bury(claim, "it has ended its process")

    [letter] = (await queue.dead_letters()).letters

    assert (letter.attempts, letter.crashes) == (1, 2)
    reasons = [reason for _, reason in letter.reasons]
    assert reasons == ["the lease ran out", DIED, "it has ended its process"]


async def test_a_redriven_job_has_its_crashes_behind_it(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    claim = await crash(queue, clock)
    await queue.crashed(claim, AT_ONCE, DIED)
    [claim] = await claimed(queue)
    await queue.bury(claim, "it has ended its process")

    await queue.redrive(["first"])

    [again] = await claimed(queue)
    assert counts(again) == (1, 0, 0)


async def test_a_job_that_comes_again_after_it_was_done_begins_anew(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    claim = await crash(queue, clock)
    await queue.acknowledge(claim)

    await queue.enqueue(jobs("first"))

    [again] = await claimed(queue)
    assert counts(again) == (1, 0, 0)


async def test_a_claim_says_since_when_its_job_has_been_tried(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.defer(claim, 2 * LEASE, "404")
    clock.advance(3 * LEASE)

    [again] = await claimed(queue)

    assert claim.since_first < MOMENT
    assert 3 * LEASE - MOMENT < again.since_first < 4 * LEASE
