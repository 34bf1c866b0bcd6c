"""huey: a list of pickles that BRPOP takes from. What it took is nowhere but in the worker."""

from typing import Any

from huey import RedisHuey

from benchmarks import program
from benchmarks.peer import QUEUE, BlockingPeer, PlainJob
from benchmarks.probe import Probe


class Huey(BlockingPeer):
    def _huey(self) -> Any:  # noqa: ANN401
        return RedisHuey(QUEUE, url=self.url, results=False)

    def open(self) -> None:
        def handle(job: PlainJob) -> None:
            """Never called here."""

        self._task = self._huey().task(name="handle")(handle)

    def enqueue(self, job: PlainJob) -> None:
        self._task(job)

    def work(self, probe: Probe, concurrency: int) -> None:
        def handle(job: PlainJob) -> None:
            probe.run_blocking(job["traceparent"])

        huey = self._huey()
        huey.task(name="handle")(handle)
        huey.create_consumer(workers=concurrency, worker_type="thread", periodic=False).run()


if __name__ == "__main__":
    program.run(Huey)
