"""What a queue must be able to do to be measured.

Each module in `benchmarks/peers` holds one queue, in its best reasonable setting: one that does not
lose jobs, as far as the queue has such a one, that keeps no results, and that is as fast as a short
sweep over the concurrency of its worker made it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from benchmarks.payload import Lane, plain_job
from benchmarks.probe import Probe

QUEUE = "benchmark"
"""How the queue is called, where it has a name."""

Job = TypeVar("Job")

PlainJob = dict[str, Any]


class Peer(ABC, Generic[Job]):
    """A queue with an asyncio client."""

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def make(self, number: int, stamp: int = 0, lane: Lane | None = None) -> Job:
        """The job of that *number*, as the queue takes it (see payload.py)."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, to enqueue."""

    @abstractmethod
    async def enqueue(self, job: Job) -> None:
        """One job, in one call."""

    @abstractmethod
    def work(self, probe: Probe, concurrency: int) -> None:
        """Be a worker, for ever. The body of each job is the *probe*'s."""


class PlainPeer(Peer[PlainJob]):
    """One that takes a job as JSON has it."""

    def make(self, number: int, stamp: int = 0, lane: Lane | None = None) -> PlainJob:
        return plain_job(number, stamp, lane)


class BatchPeer(Peer[Job]):
    """One that can also take many jobs in one call."""

    @abstractmethod
    async def enqueue_many(self, jobs: Sequence[Job]) -> None: ...


class BlockingPeer(ABC):
    """A queue whose client blocks: its callers, and the jobs of its worker, are threads."""

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def open(self) -> None:
        """Connect, to enqueue."""

    @abstractmethod
    def enqueue(self, job: PlainJob) -> None:
        """One job, in one call."""

    @abstractmethod
    def work(self, probe: Probe, concurrency: int) -> None:
        """Be a worker, for ever. The body of each job is the *probe*'s."""
