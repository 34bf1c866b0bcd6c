"""Postroom: lanes, and leases with fencing tokens, moved by scripts; callers share commands."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog
import uvloop

from benchmarks import program
from benchmarks.payload import Lane
from benchmarks.peer import BatchPeer
from benchmarks.postroom_payload import WIRE, pointer_job
from benchmarks.probe import Probe
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim
from postroom.domain.outcome import Duplicate
from postroom.domain.pointer import PointerJob
from postroom.entrypoints.garbage import freeze_startup
from postroom.entrypoints.worker import Worker


class Postroom(BatchPeer[PointerJob]):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._resources = AsyncExitStack()

    def make(self, number: int, stamp: int = 0, lane: Lane | None = None) -> PointerJob:
        return pointer_job(number, stamp, lane)

    async def open(self) -> None:
        redis = await self._resources.enter_async_context(open_redis(self.url))
        self._queue = RedisPointerQueue(redis, WIRE)

    async def enqueue(self, job: PointerJob) -> None:
        await self._queue.enqueue([job])

    async def enqueue_many(self, jobs: Sequence[PointerJob]) -> None:
        await self._queue.enqueue(jobs)

    def work(self, probe: Probe, concurrency: int) -> None:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        uvloop.run(self._work(probe, concurrency))

    async def _work(self, probe: Probe, concurrency: int) -> None:
        await self.open()

        async def consume(claim: Claim) -> Consumed:
            await probe.run(claim.job.traceparent)
            settled = await self._queue.acknowledge(claim)
            if settled:
                probe.note("settled", claim.job.traceparent)
            return Consumed(Duplicate(), settled)

        worker = Worker(
            queue=self._queue,
            consume=consume,
            overran=_never_happens,
            run_suspect=_never_happens,
            concurrency=concurrency,
        )
        freeze_startup()  # as `postroom worker` does
        await worker.run(asyncio.Event())


async def _never_happens(*_: object) -> None:
    """No job here takes longer than its time limit, or crashes a worker twice."""


if __name__ == "__main__":
    program.run(Postroom)
