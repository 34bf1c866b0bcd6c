"""What every PointerQueue promises of dead letters that are queued again, or forgotten."""

import asyncio
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, DeadLetterQueue, PointerQueue
from tests.contracts.pointer_queue.samples import (
    AT_ONCE,
    LEASE,
    bury_all,
    claimed,
    dead_ids,
    job,
    jobs,
    names,
)

PORTS = {DeadLetterQueue, PointerQueue}


async def test_a_redriven_job_is_queued_like_a_new_one(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.retry(claim, AT_ONCE, "away")
    [second] = await claimed(queue)
    await queue.bury(second, "broken")
    await queue.enqueue([job("waiting")])

    assert await queue.redrive(["first"]) == ["first"]

    waiting, again = await claimed(queue, 2)
    assert waiting.job.id == "waiting"
    assert again.job == claim.job
    assert (again.attempt, again.reclaimed) == (1, False)
    assert await dead_ids(queue) == []


async def test_the_attempts_of_a_redriven_job_are_forgotten_and_its_reasons_are_not(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    began = clock.now()
    await queue.retry(claim, AT_ONCE, "away")
    await bury_all(queue, clock)
    await queue.redrive(["first"])
    await bury_all(queue, clock, "still broken")

    letter = await queue.dead_letter("first")

    assert letter
    assert letter.attempts == 1
    assert [reason for _, reason in letter.reasons] == [
        "away",
        "broken",
        "redriven",
        "still broken",
    ]
    seconds = [round((at - began).total_seconds()) for at, _ in letter.reasons]
    assert seconds == [0, 0, 1, 1]


async def test_of_the_reasons_of_a_job_that_is_redriven_often_the_last_are_kept(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.bury(claim, "broken 0")
    for n in range(1, 20):
        await queue.redrive(["first"])
        await bury_all(queue, clock, f"broken {n}")

    letter = await queue.dead_letter("first")

    assert letter
    assert len(letter.reasons) == 32
    assert letter.reason == "broken 19"


async def test_a_redriven_job_keeps_its_new_place(queue: PointerQueue, claim: Claim) -> None:
    await queue.release(claim)
    [again] = await claimed(queue)
    await queue.bury(again, "broken")
    await queue.enqueue([job("waiting")])
    await queue.redrive(["first"])
    for each in await claimed(queue, 2):
        await queue.release(each)

    assert await names(queue) == ["waiting", "first"]


async def test_many_are_redriven_in_the_order_given(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcd"))
    await queue.enqueue([job("x", tenant="globex")])
    await bury_all(queue, clock)

    assert await queue.redrive(["c", "x", "unknown", "a", "c"]) == ["c", "x", "a"]

    assert [name for name in await names(queue) if name != "x"] == ["c", "a"]
    assert await dead_ids(queue) == ["d", "b"]


async def test_what_is_not_dead_is_not_redriven(queue: PointerQueue, claim: Claim) -> None:
    assert await queue.redrive([]) == []
    assert await queue.redrive(["unknown", "first"]) == []

    await queue.bury(claim, "broken")
    assert await queue.redrive(["first"]) == ["first"]
    assert await queue.redrive(["first"]) == []
    assert await names(queue) == ["first"]


async def test_redriving_what_is_queued_again_queues_nothing_twice(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.bury(claim, "broken")
    await queue.enqueue([claim.job])
    [again] = await claimed(queue)
    await queue.retry(again, AT_ONCE, "away")

    assert await queue.redrive(["first"]) == ["first"]

    [last] = await claimed(queue)
    assert (last.job.id, last.attempt) == ("first", 2)
    assert await dead_ids(queue) == []
    await queue.bury(last, "broken again")
    letter = await queue.dead_letter("first")
    assert letter
    assert [reason for _, reason in letter.reasons] == ["away", "broken again"]


async def test_a_redriven_job_makes_its_lane_due(queue: PointerQueue, claim: Claim) -> None:
    await queue.bury(claim, "broken")
    assert await names(queue) == []

    await queue.redrive(["first"])

    assert await names(queue) == ["first"]


async def test_waiting_ends_when_a_job_is_redriven(queue: PointerQueue, claim: Claim) -> None:
    await queue.bury(claim, "broken")
    waiting = asyncio.create_task(queue.claim(1, LEASE, wait=timedelta(seconds=10)))
    await asyncio.sleep(0.05)  # lets it wait; if it does not yet, it does no harm

    await queue.redrive(["first"])

    async with asyncio.timeout(0.8):  # less than the queue may take to notice by itself
        [again] = await waiting
    assert again.job.id == "first"


async def test_a_redriven_job_of_a_paused_lane_waits(queue: PointerQueue, claim: Claim) -> None:
    await queue.bury(claim, "broken")
    await queue.pause("acme", "support", "access revoked")

    await queue.redrive(["first"])

    assert await names(queue) == []
    await queue.resume("acme", "support")
    assert await names(queue) == ["first"]


async def test_a_purged_letter_is_gone_for_good(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs(*"abc"))
    await bury_all(queue, clock)

    assert await queue.purge(["a", "unknown", "c", "a"]) == ["a", "c"]

    assert await dead_ids(queue) == ["b"]
    assert await queue.dead_letter("a") is None
    assert await queue.redrive(["a"]) == []
    [lane] = await queue.statistics()
    assert (lane.dead, lane.ready) == (1, 0)
    await queue.purge(["b"])
    assert await queue.statistics() == []


@pytest.mark.usefixtures("claim")
async def test_what_is_not_dead_is_not_purged(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("waiting"))

    assert await queue.purge([]) == []
    assert await queue.purge(["first", "waiting"]) == []

    [lane] = await queue.statistics()
    assert (lane.ready, lane.in_flight) == (1, 1)


async def test_purging_the_letter_of_a_job_that_is_queued_again_leaves_the_job(
    queue: PointerQueue, claim: Claim
) -> None:
    await queue.bury(claim, "broken")
    await queue.enqueue([claim.job])

    await queue.purge(["first"])

    assert await names(queue) == ["first"]


async def test_a_job_whose_letter_was_purged_begins_anew(queue: PointerQueue, claim: Claim) -> None:
    await queue.bury(claim, "broken")
    await queue.purge(["first"])
    await queue.enqueue([claim.job])
    [again] = await claimed(queue)
    assert again.attempt == 1
    await queue.bury(again, "broken again")

    letter = await queue.dead_letter("first")

    assert letter
    assert [reason for _, reason in letter.reasons] == ["broken again"]
