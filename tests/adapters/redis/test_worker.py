"""Workers on a real Redis: shared work, killed workers, a server that goes and comes back."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import structlog

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim, PointerQueue
from postroom.domain.outcome import Duplicate
from postroom.entrypoints.worker import Worker
from tests.consuming import unexpected
from tests.contracts.pointer_queue.samples import job, jobs
from tests.providers import WIRE

SHORT = timedelta(seconds=0.5)
BOUND = 10


class Work:
    """Acknowledges what it is given; counts it, and tells when *expected* jobs are done."""

    def __init__(self, queue: PointerQueue, expected: int) -> None:
        self.queue = queue
        self.expected = expected
        self.done: Counter[str] = Counter()
        self.crashes: Counter[int] = Counter()
        self.finished = asyncio.Event()

    async def __call__(self, claim: Claim) -> Consumed:
        await asyncio.sleep(0)
        settled = await self.queue.acknowledge(claim)
        self.done[claim.job.id] += 1
        self.crashes[claim.crashes] += 1
        if len(self.done) == self.expected:
            self.finished.set()
        return Consumed(Duplicate(), settled)

    def worker(self) -> Worker:
        return a_worker(self.queue, self)


def a_worker(
    queue: PointerQueue,
    consume: Callable[[Claim], Awaitable[Consumed]],
    lease: timedelta = SHORT,
) -> Worker:
    return Worker(
        queue=queue, consume=consume, overran=unexpected, run_suspect=unexpected, lease=lease
    )


@asynccontextmanager
async def at_work(*workers: Worker) -> AsyncIterator[None]:
    stop = asyncio.Event()
    shifts = [asyncio.create_task(worker.run(stop)) for worker in workers]
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(BOUND):
            await asyncio.gather(*shifts)


@pytest.fixture
async def other(redis_url: str, prefix: str) -> AsyncIterator[RedisPointerQueue]:
    """The same queue, as another process has it."""
    async with open_redis(redis_url) as servers:
        yield RedisPointerQueue(servers, WIRE, prefix=prefix)


async def test_workers_share_the_work_and_do_each_job_once(
    queue: RedisPointerQueue, other: RedisPointerQueue
) -> None:
    names = [f"j{n}" for n in range(400)]
    await queue.enqueue([job(f"j{n}", tenant=f"t{n % 3}", mailbox=f"m{n % 7}") for n in range(400)])
    work = Work(queue, expected=400)
    elsewhere = a_worker(other, work)

    async with at_work(work.worker(), elsewhere), asyncio.timeout(BOUND):
        await work.finished.wait()

    assert work.done == Counter(names)
    assert work.crashes == {0: 400}
    assert await queue.statistics() == []


async def test_the_jobs_of_a_worker_that_dies_are_soon_done_by_another(
    queue: RedisPointerQueue, other: RedisPointerQueue
) -> None:
    started: asyncio.Queue[str] = asyncio.Queue()

    async def never_end(claim: Claim) -> Consumed:
        started.put_nowait(claim.job.id)
        await asyncio.Event().wait()
        return Consumed(Duplicate(), settled=False)

    await queue.enqueue(jobs("a", "b", "c"))
    doomed = a_worker(other, never_end)
    dying = asyncio.create_task(doomed.run(asyncio.Event()))
    assert {await started.get() for _ in range(3)} == {"a", "b", "c"}
    work = Work(queue, expected=3)

    async with at_work(work.worker()):
        dying.cancel()  # like a kill: it gives nothing back
        async with asyncio.timeout(SHORT.total_seconds() + 1.5):
            await work.finished.wait()

    assert work.crashes == {1: 3}


async def test_a_job_that_takes_longer_than_its_lease_is_done_once(
    queue: RedisPointerQueue, other: RedisPointerQueue
) -> None:
    await queue.enqueue(jobs("long"))
    work = Work(queue, expected=1)

    async def take_long(claim: Claim) -> Consumed:
        await asyncio.sleep(2.5 * SHORT.total_seconds())
        return await work(claim)

    first = a_worker(queue, take_long)
    second = a_worker(other, take_long)
    async with at_work(first, second), asyncio.timeout(BOUND):
        await work.finished.wait()

    assert work.done == {"long": 1}
    assert work.crashes == {0: 1}


async def test_no_job_is_taken_from_its_worker_while_the_server_is_stopped(
    server: EmbeddedValkey,
) -> None:
    lease, valkey = timedelta(seconds=1), int((server.home / "valkey.pid").read_text())
    held, enough = asyncio.Event(), asyncio.Event()
    async with open_redis(server.url) as servers, open_redis(server.url) as others:
        queue, elsewhere = RedisPointerQueue(servers, WIRE), RedisPointerQueue(others, WIRE)
        work = Work(queue, expected=1)

        async def hold(claim: Claim) -> Consumed:
            held.set()
            await enough.wait()
            return await work(claim)

        await queue.enqueue(jobs("long"))
        first, second = a_worker(queue, hold, lease), a_worker(elsewhere, hold, lease)
        async with at_work(first, second), asyncio.timeout(BOUND):
            await held.wait()
            os.kill(valkey, signal.SIGSTOP)
            await asyncio.sleep(1.5 * lease.total_seconds())
            os.kill(valkey, signal.SIGCONT)
            await elsewhere.claim(1, lease)
            enough.set()
            await work.finished.wait()

    assert work.done == {"long": 1}
    assert work.crashes == {0: 1}


async def test_a_worker_outlives_its_server(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        work = Work(queue, expected=2)
        with structlog.testing.capture_logs() as logs:
            async with at_work(work.worker()), asyncio.timeout(BOUND):
                await queue.enqueue(jobs("before"))
                os.kill(int((server.home / "valkey.pid").read_text()), signal.SIGKILL)
                server.stop()
                await asyncio.sleep(0.1)
                await asyncio.to_thread(server.start)
                await queue.enqueue(jobs("after"))
                await work.finished.wait()

    assert set(work.done) == {"before", "after"}
    events = Counter(entry["event"] for entry in logs)
    assert events["queue unreachable"] == events["queue reachable again"] <= 1
    assert not events["job crashed"]
