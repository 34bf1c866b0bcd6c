"""docket: a stream and a consumer group; scripts that claim and end a job check its generation."""

from datetime import timedelta

import uvloop
from docket import Docket, Worker

from benchmarks import program
from benchmarks.peer import QUEUE, PlainJob, PlainPeer
from benchmarks.probe import Probe


class DocketPeer(PlainPeer):
    def _docket(self) -> Docket:
        return Docket(name=QUEUE, url=self.url, execution_ttl=timedelta(0))

    async def open(self) -> None:
        async def handle(job: PlainJob) -> None:
            """Never called here."""

        self._producer = self._docket()
        self._handle = handle
        await self._producer.__aenter__()
        self._producer.register(handle)

    async def enqueue(self, job: PlainJob) -> None:
        await self._producer.add(self._handle)(job)

    def work(self, probe: Probe, concurrency: int) -> None:
        async def handle(job: PlainJob) -> None:
            await probe.run(job["traceparent"])

        async def work() -> None:
            async with self._docket() as docket:
                docket.register(handle)
                interval = timedelta(milliseconds=5)
                async with Worker(
                    docket, concurrency=concurrency, minimum_check_interval=interval
                ) as worker:
                    await worker.run_forever()

        uvloop.run(work())


if __name__ == "__main__":
    program.run(DocketPeer)
