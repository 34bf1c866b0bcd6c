"""arq: a sorted set of ids and a key for each job; WATCH and MULTI to claim one."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from benchmarks import program
from benchmarks.peer import PlainJob, PlainPeer
from benchmarks.probe import Probe


class Arq(PlainPeer):
    def _settings(self) -> RedisSettings:
        server = urlsplit(self.url)
        return RedisSettings(server.hostname or "", server.port or 0, max_connections=256)

    async def open(self) -> None:
        self._pool = await create_pool(self._settings())

    async def enqueue(self, job: PlainJob) -> None:
        await self._pool.enqueue_job("handle", job)

    def work(self, probe: Probe, concurrency: int) -> None:
        async def handle(_context: dict[Any, Any], job: PlainJob) -> None:
            await probe.run(job["traceparent"])

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        asyncio.set_event_loop(asyncio.new_event_loop())
        Worker(
            functions=[func(handle, name="handle", keep_result=0)],
            redis_settings=self._settings(),
            max_jobs=concurrency,
            poll_delay=0.01,  # half a second by default, which would be its latency
            keep_result=0,
            log_results=False,
        ).run()


if __name__ == "__main__":
    program.run(Arq)
