"""A worker whose queue is away."""

import structlog

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.worker import Worker
from tests.contracts.pointer_queue.samples import jobs
from tests.unit.worker.rig import INSTANT, Consumer, Queue, at_work, told, until, until_told


async def test_a_queue_that_is_away_is_told_of_once_and_once_when_it_is_back(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    queue.away = True
    await queue.enqueue(jobs("a"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(worker):
            await until(lambda: queue.calls["claim"] + queue.calls["renew"] >= 3)
            queue.away = False
            await until(lambda: consumer.done == ["a"])

    [unreachable] = told(logs, "queue unreachable")
    [reachable] = told(logs, "queue reachable again")
    assert unreachable["reason"] == "Redis cannot be reached"
    assert reachable["seconds"] >= 0.1


async def test_each_outage_is_told_of(worker: Worker, queue: Queue, consumer: Consumer) -> None:
    with structlog.testing.capture_logs() as logs:
        async with at_work(worker):
            for outage in (1, 2):
                queue.away = True
                await queue.enqueue(jobs(f"j{outage}"))
                await until_told(logs, "queue unreachable", outage)
                queue.away = False
                await until_told(logs, "queue reachable again", outage)

    assert consumer.done == ["j1", "j2"]


async def test_jobs_go_on_while_the_queue_is_away_and_keep_their_leases(
    worker: Worker, queue: Queue, consumer: Consumer, clock: ManualClock
) -> None:
    consumer.held = {"a"}
    await queue.enqueue(jobs("a"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(worker):
            await until(lambda: consumer.running == ["a"])
            queue.away = True
            await queue.enqueue(jobs("b"))
            await until_told(logs, "queue unreachable")
            clock.advance(INSTANT)
            queue.away = False
            await until_told(logs, "queue reachable again")
            consumer.open.set()
            await until(lambda: "a" in consumer.done)

    assert sorted(consumer.done) == ["a", "b"]
    assert not consumer.cancelled


async def test_it_stops_while_the_queue_is_away(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"a"}
    await queue.enqueue(jobs("a"))

    async with at_work(worker):
        await until(lambda: consumer.running == ["a"])
        queue.away = True

    assert consumer.cancelled == ["a"]
    assert queue.calls["release"] == 1
