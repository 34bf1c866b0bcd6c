"""SAQ: a list that BLMOVE takes ids from, and a key for each job; a sweep finds stuck ones."""

from typing import Any

import orjson
import uvloop
from saq import Queue, Worker

from benchmarks import program
from benchmarks.peer import PlainJob, PlainPeer
from benchmarks.probe import Probe

AT_MOST = 5
"""Attempts. With one, the default, the jobs of a worker that is killed are given up."""


class Saq(PlainPeer):
    def _queue(self, at_a_time: int) -> Any:  # noqa: ANN401 - its type depends on the URL
        return Queue.from_url(
            self.url, max_concurrent_ops=at_a_time, dump=orjson.dumps, load=orjson.loads
        )

    async def open(self) -> None:
        self._producer = self._queue(64)
        await self._producer.connect()

    async def enqueue(self, job: PlainJob) -> None:
        await self._producer.enqueue("handle", ttl=-1, retries=AT_MOST, job=job)

    def work(self, probe: Probe, concurrency: int) -> None:
        async def handle(_context: dict[str, Any], *, job: PlainJob) -> None:
            await probe.run(job["traceparent"])

        async def work() -> None:
            queue = self._queue(256)
            await Worker(queue, [("handle", handle)], concurrency=concurrency).start()

        uvloop.run(work())


if __name__ == "__main__":
    program.run(Saq)
