"""streaq: streams and a consumer group, moved by a library of server-side functions."""

from collections.abc import Sequence
from typing import Any

import uvloop
from streaq import Worker

from benchmarks import program
from benchmarks.peer import QUEUE, BatchPeer, PlainJob, PlainPeer
from benchmarks.probe import Probe

PRODUCER = 64
"""Connections of a producer."""


class Streaq(PlainPeer, BatchPeer[PlainJob]):
    def _worker(self, concurrency: int) -> Any:  # noqa: ANN401
        return Worker(
            redis_url=self.url, concurrency=concurrency, prefetch=concurrency, queue_name=QUEUE
        )

    async def open(self) -> None:
        async def handle(job: PlainJob) -> None:
            """Never called here."""

        self._producer = self._worker(PRODUCER)
        self._task = _register(self._producer, handle)
        await self._producer.__aenter__()

    async def enqueue(self, job: PlainJob) -> None:
        await self._task.enqueue(job)

    async def enqueue_many(self, jobs: Sequence[PlainJob]) -> None:
        await self._producer.enqueue_many([self._task.enqueue(job) for job in jobs])

    def work(self, probe: Probe, concurrency: int) -> None:
        async def handle(job: PlainJob) -> None:
            await probe.run(job["traceparent"])

        worker = self._worker(concurrency)
        _register(worker, handle)
        uvloop.run(worker.run_async())


def _register(worker: Any, handle: Any) -> Any:  # noqa: ANN401
    return worker.task(ttl=0, silent=True, max_tries=5, name="handle")(handle)


if __name__ == "__main__":
    program.run(Streaq)
