"""dramatiq: a list of ids and a hash of bodies, moved by one script; workers send heartbeats."""

import threading
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries

from benchmarks import program
from benchmarks.peer import BlockingPeer, PlainJob
from benchmarks.probe import Probe


class Dramatiq(BlockingPeer):
    def _broker(self) -> Any:  # noqa: ANN401
        # Of its middleware only what makes it reliable.
        broker = RedisBroker(url=self.url, middleware=[Retries(max_retries=5)])
        dramatiq.set_broker(broker)
        return broker

    def open(self) -> None:
        def handle(job: PlainJob) -> None:
            """Never called here."""

        self._actor = dramatiq.actor(handle, actor_name="handle", broker=self._broker())

    def enqueue(self, job: PlainJob) -> None:
        self._actor.send(job)

    def work(self, probe: Probe, concurrency: int) -> None:
        def handle(job: PlainJob) -> None:
            probe.run_blocking(job["traceparent"])

        broker = self._broker()
        dramatiq.actor(handle, actor_name="handle", broker=broker)
        worker = dramatiq.Worker(broker, worker_threads=concurrency, worker_timeout=100)
        broker.emit_after("process_boot")
        worker.start()
        threading.Event().wait()


if __name__ == "__main__":
    program.run(Dramatiq)
