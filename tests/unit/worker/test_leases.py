"""A worker, its leases and its time limit."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import structlog

from postroom.adapters.memory.clock import ManualClock
from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim
from postroom.domain.outcome import Duplicate
from postroom.entrypoints.worker import Worker
from tests.contracts.pointer_queue.samples import jobs
from tests.unit.worker.rig import INSTANT, LONG, Consumer, Queue, at_work, told, until


async def test_the_leases_of_all_jobs_are_renewed_in_one_call(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"a", "b", "c"}
    await queue.enqueue(jobs("a", "b", "c"))

    async with at_work(worker):
        await until(lambda: queue.renewed.count({"a", "b", "c"}) >= 3)
        consumer.open.set()
        await until(lambda: len(consumer.done) == 3)


async def test_a_lease_that_is_renewed_holds_for_as_long_as_the_job_takes(
    worker: Worker, queue: Queue, consumer: Consumer, clock: ManualClock
) -> None:
    consumer.held = {"a"}
    await queue.enqueue(jobs("a"))

    async with at_work(worker):
        await until(lambda: consumer.running == ["a"])
        for _ in range(5):
            clock.advance(INSTANT * 0.9)
            queue.renewed.clear()
            await until(lambda: bool(queue.renewed))
        assert await queue.claim(1, LONG) == []
        consumer.open.set()

    assert consumer.done == ["a"]


async def test_a_job_whose_lease_is_lost_is_cancelled_and_the_others_go_on(
    worker: Worker, queue: Queue, consumer: Consumer, clock: ManualClock
) -> None:
    consumer.held = {"a"}
    await queue.enqueue(jobs("a"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(replace(worker, concurrency=1)):
            await until(lambda: consumer.running == ["a"])
            clock.advance(INSTANT)
            [stolen] = await queue.claim(1, LONG)
            await until(lambda: consumer.cancelled == ["a"])
            await queue.enqueue(jobs("b"))
            await until(lambda: consumer.done == ["b"])

    [lost] = told(logs, "lease lost")
    assert lost["job"] == "a"
    assert await queue.acknowledge(stolen)


async def test_a_job_that_has_just_been_settled_is_not_taken_for_lost(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"a"}
    await queue.enqueue(jobs("a"))

    async def settle_and_take_a_moment(claim: Claim) -> Consumed:
        settled = await queue.acknowledge(claim)
        await consumer.open.wait()
        consumer.done.append(claim.job.id)
        return Consumed(Duplicate(), settled)

    with structlog.testing.capture_logs() as logs:
        async with at_work(replace(worker, consume=settle_and_take_a_moment)):
            await until(lambda: bool(queue.renewed))
            consumer.open.set()
            await until(lambda: consumer.done == ["a"])

    assert not told(logs, "lease lost")


async def test_a_job_over_its_time_limit_is_stopped_and_judged(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"slow"}
    await queue.enqueue(jobs("slow", "good"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(replace(worker, time_limit=INSTANT)):
            await until(lambda: consumer.cancelled == ["slow"])
            await until(lambda: consumer.overrun == ["slow"])

    assert consumer.done == ["good"]
    [stopped] = told(logs, "job stopped")
    assert stopped["seconds"] == INSTANT.total_seconds()


async def test_a_job_that_was_stopped_is_not_stopped_again_while_it_is_judged(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"slow"}
    await queue.enqueue(jobs("slow"))
    judged = asyncio.Event()

    async def judge(claim: Claim, limit: timedelta) -> None:
        await judged.wait()
        await consumer.overran(claim, limit)

    async with at_work(replace(worker, time_limit=INSTANT, overran=judge)):
        await until(lambda: consumer.cancelled == ["slow"])
        queue.renewed.clear()
        await until(lambda: queue.renewed.count({"slow"}) >= 3)
        judged.set()
        await until(lambda: consumer.overrun == ["slow"])
