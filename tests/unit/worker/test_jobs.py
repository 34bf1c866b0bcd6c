"""A worker and its jobs."""

import asyncio
from dataclasses import replace

import structlog

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.slots import IN_HAND_PER_SLOT
from postroom.entrypoints.worker import Worker
from tests.contracts.pointer_queue.samples import job, jobs
from tests.unit.worker.rig import (
    INSTANT,
    LONG,
    Consumer,
    Queue,
    at_work,
    lose_a_worker,
    told,
    until,
)


async def test_all_jobs_are_worked_off(worker: Worker, queue: Queue, consumer: Consumer) -> None:
    names = [f"j{n}" for n in range(50)]
    async with at_work(worker):
        await queue.enqueue(jobs(*names[:20]))
        await until(lambda: len(consumer.done) == 20)
        await queue.enqueue(jobs(*names[20:]))
        await until(lambda: len(consumer.done) == 50)

    assert sorted(consumer.done) == sorted(names)
    assert await queue.statistics() == []


async def test_no_more_jobs_run_at_a_time_than_was_set(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    await queue.enqueue([job(f"j{n}", mailbox=f"m{n % 9}") for n in range(50)])

    async with at_work(replace(worker, concurrency=7)):
        await until(lambda: len(consumer.done) == 50)

    assert consumer.busiest == 7


async def test_a_place_that_is_free_is_used_while_others_are_taken(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"slow"}
    await queue.enqueue([job("slow", mailbox="other"), *jobs(*"abcdef")])

    async with at_work(replace(worker, concurrency=2)):
        await until(lambda: len(consumer.done) == 6)
        assert consumer.running == ["slow"]
        consumer.open.set()


async def test_a_crash_ends_one_job_and_no_other(
    worker: Worker, queue: Queue, consumer: Consumer, clock: ManualClock
) -> None:
    consumer.errors = {"bad": ValueError("ann@acme.example wrote: …"), "odd": TimeoutError()}
    await queue.enqueue(jobs("bad", "odd", "good"))

    with structlog.testing.capture_logs() as logs:
        async with at_work(worker):
            await until(lambda: consumer.done == ["good"] and not consumer.running)

    crashes = told(logs, "job crashed")
    assert [(crash["job"], crash["error"]) for crash in crashes] == [
        ("bad", "ValueError"),
        ("odd", "TimeoutError"),
    ]
    assert "rig.py" in crashes[0]["where"]
    assert "ann" not in str(crashes)
    [lane] = await queue.statistics()
    assert lane.in_flight == 2
    clock.advance(INSTANT)
    assert [claim.crashes for claim in await queue.claim(9, LONG)] == [1, 1]


async def test_a_suspect_is_run_elsewhere(
    worker: Worker, queue: Queue, consumer: Consumer, clock: ManualClock
) -> None:
    await queue.enqueue(jobs("pill"))
    for _ in range(2):
        await lose_a_worker(queue, clock)

    async with at_work(worker):
        await until(lambda: consumer.done == ["pill"])

    assert consumer.suspects == ["pill"]


async def test_one_crash_makes_no_suspect(
    worker: Worker, queue: Queue, consumer: Consumer, clock: ManualClock
) -> None:
    await queue.enqueue(jobs("innocent"))
    await lose_a_worker(queue, clock)

    async with at_work(worker):
        await until(lambda: consumer.done == ["innocent"])

    assert not consumer.suspects


async def test_jobs_whose_provider_is_slow_take_no_slot_from_others(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    consumer.held = {"slow0", "slow1"}
    await queue.enqueue([*[job(f"slow{n}", mailbox="other") for n in range(2)], *jobs("calm")])

    async with at_work(replace(worker, concurrency=2, waiting=lambda _: len(consumer.running))):
        await until(lambda: consumer.done == ["calm"])
        consumer.open.set()


async def test_however_slow_they_are_jobs_in_hand_are_bounded(
    worker: Worker, queue: Queue, consumer: Consumer
) -> None:
    names = [f"slow{n}" for n in range(50)]
    consumer.held = set(names)
    await queue.enqueue([job(name, mailbox=name) for name in names])

    async with at_work(replace(worker, concurrency=2, waiting=lambda _: len(consumer.running))):
        await until(lambda: len(consumer.running) == 2 * IN_HAND_PER_SLOT)
        await asyncio.sleep(2 * INSTANT.total_seconds())
        assert consumer.busiest == 2 * IN_HAND_PER_SLOT
        consumer.open.set()
        await until(lambda: len(consumer.done) == 50)
