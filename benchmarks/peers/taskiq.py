"""taskiq with taskiq-redis: a stream and a consumer group. Entries that are done stay there."""

from typing import Any

import uvloop
from taskiq.acks import AcknowledgeType
from taskiq.api import run_receiver_task
from taskiq.serializers import ORJSONSerializer
from taskiq_redis import RedisStreamBroker

from benchmarks import program
from benchmarks.peer import PlainJob, PlainPeer
from benchmarks.probe import Probe


class Taskiq(PlainPeer):
    def _broker(self) -> Any:  # noqa: ANN401
        broker = RedisStreamBroker(url=self.url, consumer_id="0", max_connection_pool_size=256)
        return broker.with_serializer(ORJSONSerializer())

    async def open(self) -> None:
        broker = self._broker()

        async def handle(job: PlainJob) -> None:
            """Never called here."""

        self._task = broker.register_task(handle, task_name="handle")
        await broker.startup()

    async def enqueue(self, job: PlainJob) -> None:
        await self._task.kiq(job)

    def work(self, probe: Probe, concurrency: int) -> None:
        async def handle(job: PlainJob) -> None:
            await probe.run(job["traceparent"])

        async def work() -> None:
            broker = self._broker()
            broker.register_task(handle, task_name="handle")
            broker.is_worker_process = True
            await broker.startup()
            await run_receiver_task(
                broker,
                max_async_tasks=concurrency,
                max_prefetch=100,
                ack_time=AcknowledgeType.WHEN_EXECUTED,
                validate_params=False,
            )

        uvloop.run(work())


if __name__ == "__main__":
    program.run(Taskiq)
