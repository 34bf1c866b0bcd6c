"""No queue: the same payload by bare XADDs, which is what redis-py with hiredis can do at best."""

from collections.abc import Sequence
from typing import NoReturn

from redis.asyncio import Redis

from benchmarks import program
from benchmarks.payload import Lane
from benchmarks.peer import QUEUE, BatchPeer
from benchmarks.postroom_payload import WIRE, pointer_job
from benchmarks.probe import Probe


class Raw(BatchPeer[bytes]):
    def make(self, number: int, stamp: int = 0, lane: Lane | None = None) -> bytes:
        _, _, record = WIRE.pack(pointer_job(number, stamp, lane))
        return record

    async def open(self) -> None:
        self._redis = Redis.from_url(self.url, protocol=2)

    async def enqueue(self, job: bytes) -> None:
        await self._redis.xadd(QUEUE, {"job": job})

    async def enqueue_many(self, jobs: Sequence[bytes]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for job in jobs:
            pipeline.xadd(QUEUE, {"job": job})
        await pipeline.execute()

    def work(self, probe: Probe, concurrency: int) -> NoReturn:
        raise NotImplementedError


if __name__ == "__main__":
    program.run(Raw)
