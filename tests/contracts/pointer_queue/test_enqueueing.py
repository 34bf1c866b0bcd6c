"""What every PointerQueue promises to those who enqueue."""

from dataclasses import replace

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Claim, PointerProducer, PointerQueue
from postroom.domain.pointer import Pointer
from tests.contracts.pointer_queue.samples import LEASE, MOMENT, claimed, job, jobs, names

PORTS = {PointerProducer, PointerQueue}


async def test_jobs_are_claimed_in_order_of_arrival(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("c", "a"))
    await queue.enqueue(jobs("d", "b"))

    assert await names(queue) == ["c", "a", "d", "b"]


@pytest.mark.parametrize(
    "pointer",
    [
        MicrosoftPointer("subscription-1", "message-1", "users/1/messages/message-1"),
        MicrosoftPointer("subscription-1", "message-1", "elsewhere"),
        MicrosoftPointer("subscription-1", "message-1"),
        GooglePointer(5, "info@acme.example", "pubsub-1", ("message-1", "message-2")),
        ImapPointer("Anfragen/Möbel", 7, 1, "<1@acme.example>"),
    ],
)
async def test_a_job_comes_out_as_it_went_in(queue: PointerQueue, pointer: Pointer) -> None:
    queued = replace(
        job("first"), pointer=pointer, traceparent="00-0af76519-b7ad6b71-01", backfilled=True
    )

    await queue.enqueue([queued])

    [claim] = await claimed(queue)
    assert claim.job == queued


async def test_the_ids_that_are_new_are_told(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("b"))

    assert await queue.enqueue(jobs("a", "b", "c", "a")) == ["a", "c"]
    assert await names(queue) == ["b", "a", "c"]
    assert await queue.enqueue([]) == []


async def test_an_id_that_waits_is_left_as_it_is(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("a", "b"))
    again = replace(job("a"), traceparent="00-0af76519-b7ad6b71-01")

    assert await queue.enqueue([again]) == []

    claims = await claimed(queue, 9)
    assert [claim.job for claim in claims] == jobs("a", "b")


async def test_an_id_in_flight_is_left_as_it_is(queue: PointerQueue, claim: Claim) -> None:
    assert await queue.enqueue([claim.job]) == []
    assert await names(queue) == []

    assert await queue.acknowledge(claim)
    assert await names(queue) == []


async def test_an_id_that_is_delayed_is_left_as_it_is(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.retry(claim, LEASE, "away")

    assert await queue.enqueue([claim.job]) == []
    assert await names(queue) == []

    clock.advance(LEASE + MOMENT)
    assert await names(queue) == ["first"]


async def test_an_id_that_comes_twice_in_one_call_is_queued_once(queue: PointerQueue) -> None:
    assert await queue.enqueue(jobs("a", "b", "a")) == ["a", "b"]
    assert await names(queue) == ["a", "b"]


async def test_an_id_whose_job_has_ended_is_new(queue: PointerQueue, claim: Claim) -> None:
    await queue.acknowledge(claim)

    assert await queue.enqueue([claim.job]) == ["first"]

    [again] = await claimed(queue)
    assert again.attempt == 1


async def test_an_id_among_the_dead_is_new(queue: PointerQueue, claim: Claim) -> None:
    await queue.bury(claim, "broken")

    assert await queue.enqueue([claim.job]) == ["first"]

    [again] = await claimed(queue)
    assert again.attempt == 1
    assert await queue.dead_letter(claim.job.id)
