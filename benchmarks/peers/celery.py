"""Celery on kombu's Redis transport: LPUSH and BRPOP, and a hash of what is not acknowledged."""

from typing import Any

from celery import Celery

from benchmarks import program
from benchmarks.peer import BlockingPeer, PlainJob
from benchmarks.probe import Probe


class CeleryPeer(BlockingPeer):
    def _app(self) -> Any:  # noqa: ANN401
        app = Celery("benchmark", broker=self.url)
        app.conf.update(
            task_ignore_result=True,
            task_acks_late=True,  # by default a task is acknowledged before it is run
            task_reject_on_worker_lost=True,
            worker_prefetch_multiplier=4,
            worker_hijack_root_logger=False,
            worker_enable_remote_control=False,
            broker_pool_limit=128,
            broker_connection_retry_on_startup=True,
        )
        return app

    def open(self) -> None:
        def handle(job: PlainJob) -> None:
            """Never called here."""

        self._task = self._app().task(name="handle")(handle)

    def enqueue(self, job: PlainJob) -> None:
        self._task.apply_async((job,))

    def work(self, probe: Probe, concurrency: int) -> None:
        def handle(job: PlainJob) -> None:
            probe.run_blocking(job["traceparent"])

        app = self._app()
        app.task(name="handle")(handle)
        pool = ["solo"] if concurrency == 1 else ["threads", "-c", str(concurrency)]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
        app.worker_main(["worker", "-P", *pool, *quiet])


if __name__ == "__main__":
    program.run(CeleryPeer)
