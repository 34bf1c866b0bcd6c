"""A worker on the queue in memory."""

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.worker import Worker
from tests.unit.worker.rig import INSTANT, Consumer, Queue


@pytest.fixture
def queue(clock: ManualClock) -> Queue:
    return Queue(clock)


@pytest.fixture
def consumer(queue: Queue) -> Consumer:
    return Consumer(queue)


@pytest.fixture
def worker(queue: Queue, consumer: Consumer) -> Worker:
    """Renews its leases all ten milliseconds; leases end when its clock says."""
    return Worker(
        queue=queue,
        consume=consumer,
        overran=consumer.overran,
        run_suspect=consumer.run_suspect,
        lease=INSTANT,
        grace=INSTANT,
    )
