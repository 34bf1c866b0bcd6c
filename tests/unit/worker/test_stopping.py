"""How a worker stops."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import structlog

from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim
from postroom.entrypoints.worker import Worker
from tests.contracts.pointer_queue.samples import jobs
from tests.unit.worker.rig import LONG, Consumer, Queue, at_work, told, until


async def test_told_to_stop_it_lets_its_jobs_end_and_claims_no_more(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"a", "b"}
    await queue.enqueue(jobs("a", "b", "c"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(replace(worker, concurrency=2, grace=LONG)) as stop:
            await until(lambda: consumer.running == ["a", "b"])
            stop.set()
            await asyncio.sleep(0)
            consumer.open.set()

    assert consumer.done == ["a", "b"]
    [claim] = await queue.claim(9, LONG)
    assert (claim.job.id, claim.attempt) == ("c", 1)
    assert [entry["count"] for entry in told(logs, "worker stopped")] == [0]


async def test_told_to_stop_it_holds_on_to_the_jobs_that_are_ending(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"a"}
    await queue.enqueue(jobs("a"))

    async with at_work(replace(worker, grace=LONG)) as stop:
        await until(lambda: consumer.running == ["a"])
        stop.set()
        queue.renewed.clear()
        await until(lambda: bool(queue.renewed))
        consumer.open.set()

    assert consumer.done == ["a"]


async def test_what_has_not_ended_within_the_grace_is_given_back_at_no_cost(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"a", "b"}
    await queue.enqueue(jobs("a", "b", "c"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(replace(worker, concurrency=2)) as stop:
            await until(lambda: consumer.running == ["a", "b"])
            stop.set()

    assert consumer.cancelled == ["a", "b"]
    claims = await queue.claim(9, LONG)
    assert [(claim.job.id, claim.attempt, claim.reclaimed) for claim in claims] == [
        ("a", 1, False),
        ("b", 1, False),
        ("c", 1, False),
    ]
    assert [entry["count"] for entry in told(logs, "worker stopped")] == [2]


async def test_told_to_stop_while_it_waits_for_work_it_stops_at_once(worker: Worker) -> None:
    async with at_work(worker):
        await asyncio.sleep(0.01)


async def test_a_job_that_a_library_keeps_from_being_cancelled_is_cancelled_again(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    async def swallow_the_first(claim: Claim) -> Consumed:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await consumer(claim)

    consumer.held = {"a"}
    await queue.enqueue(jobs("a"))

    async with at_work(replace(worker, consume=swallow_the_first)) as stop:
        await until(lambda: queue.calls["claim"] > 1)
        stop.set()

    assert consumer.cancelled == ["a"]
