"""What is left of what a server acknowledged when it is killed with SIGKILL under load. Ours only.

64 callers enqueue, and a worker works off, while the server is killed and started again from its
append-only file, time after time. In the end every job whose enqueueing was acknowledged must have
been worked off, and none must come back whose settling was acknowledged.

A kill does not lose what the kernel was given: that the disk has it, too, only a power cut shows.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import uvloop

from benchmarks.contestants import Contestant, Kind
from benchmarks.postroom_payload import WIRE, pointer_job
from benchmarks.scenarios.enqueue import IN_FLIGHT
from benchmarks.scenarios.scenario import Bench, Figures, Scenario, one_by_one
from benchmarks.server import Server
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import Claim, PointerQueue
from postroom.domain.failure import Unavailable

LEASE = timedelta(seconds=1)
"""Short, so that what was in flight at a kill is soon back."""

UNDER_LOAD = 0.25
"""Seconds between a start and the next kill."""

EMPTY_FOR = 3 * LEASE.total_seconds()
"""With no job for so many seconds, none is left."""

WITHIN = 600
"""Seconds. A queue that hangs is a result, too."""


@dataclass(slots=True)
class Book:
    """What was acknowledged, by job id.

    Of a settling whose reply was lost nobody knows: it may have been done, and the job be gone.
    """

    accepted: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    came_back: set[str] = field(default_factory=set)

    @property
    def lost(self) -> set[str]:
        return self.accepted - self.settled - self.uncertain


def measure(bench: Bench, _contestant: Contestant) -> Figures:
    with bench.server() as server:
        book = uvloop.run(_kill_often(server, bench.scale.server_kills))
    return {
        "kills": bench.scale.server_kills,
        "accepted": len(book.accepted),
        "lost": len(book.lost),
        "came_back": len(book.came_back),
        "uncertain": len(book.uncertain - book.settled),
    }


async def _kill_often(server: Server, kills: int) -> Book:
    book, stop, numbers = Book(), asyncio.Event(), count(1)
    async with (
        asyncio.timeout(WITHIN),
        open_redis(server.url) as redis,
        asyncio.TaskGroup() as tasks,
    ):
        queue = RedisPointerQueue(redis, WIRE)
        for _ in range(IN_FLIGHT):
            tasks.create_task(_enqueue(queue, numbers, book, stop))
        tasks.create_task(_work_off(queue, book, stop))
        for _ in range(kills):
            await asyncio.sleep(UNDER_LOAD)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        stop.set()
    return book


async def _enqueue(
    queue: PointerQueue, numbers: Iterator[int], book: Book, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        job = pointer_job(next(numbers))
        with suppress(Unavailable):
            await queue.enqueue([job])
            book.accepted.add(job.id)


async def _work_off(queue: PointerQueue, book: Book, stop: asyncio.Event) -> None:
    now = asyncio.get_running_loop().time
    last = now()
    while not stop.is_set() or now() - last < EMPTY_FOR:
        try:
            claims = await queue.claim(IN_FLIGHT, LEASE, wait=LEASE / 10)
        except Unavailable:
            await asyncio.sleep(0.01)
            continue
        last = now() if claims else last
        await asyncio.gather(*(_settle(queue, claim, book) for claim in claims))


async def _settle(queue: PointerQueue, claim: Claim, book: Book) -> None:
    if claim.job.id in book.settled:
        book.came_back.add(claim.job.id)
    settled = False
    with suppress(Unavailable):
        settled = await queue.acknowledge(claim)
    (book.settled if settled else book.uncertain).add(claim.job.id)


SCENARIO = Scenario(
    name="server_crash",
    title="SIGKILL of the server under load",
    admits=lambda contestant: contestant.kind is Kind.OURS,
    measure=one_by_one(measure),
    seconds=80,
    repeated=False,
)
