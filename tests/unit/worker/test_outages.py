"""A worker whose queue, or database, is away."""

import structlog

from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import StoreUnavailable
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


# --- The database ---


AWAY = StoreUnavailable("the database is shutting down")


async def test_what_cannot_be_recorded_is_given_back_at_no_cost_and_done_when_it_can(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.errors = {"a": AWAY, "b": AWAY}
    await queue.enqueue(jobs("a", "b"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(worker):
            await until(lambda: queue.calls["release"] >= 4)
            consumer.errors = {}
            await until(lambda: sorted(consumer.done) == ["a", "b"])

    [unreachable] = told(logs, "database unreachable")
    assert unreachable["reason"] == AWAY.reason
    assert len(told(logs, "database reachable again")) == 1
    assert not told(logs, "job crashed")


async def test_while_it_is_away_one_job_at_a_time_tries_it(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    names = [f"j{number}" for number in range(4)]
    consumer.errors = dict.fromkeys(names, AWAY)
    await queue.enqueue(jobs(*names))

    async with at_work(worker):
        await until(lambda: queue.calls["release"] >= 4)
        consumer.busiest = 0
        await until(lambda: consumer.busiest > 0 and queue.calls["release"] >= 6)
        busiest = consumer.busiest

    assert busiest == 1
    [lane] = await queue.statistics()
    assert (lane.ready, lane.delayed, lane.dead) == (4, 0, 0)


async def test_it_stops_while_the_database_is_away(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.errors = {"a": AWAY}
    await queue.enqueue(jobs("a"))

    async with at_work(worker):
        await until(lambda: queue.calls["release"] >= 2)

    [claim] = await queue.claim(9, INSTANT)
    assert (claim.attempt, claim.crashes) == (1, 0)
