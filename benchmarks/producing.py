"""The producers: one process that hands jobs to a queue, in one of four ways."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from benchmarks.payload import Lane, now, plain_job
from benchmarks.peer import BatchPeer, BlockingPeer, Peer

FILLERS = 64
"""Callers that fill a queue, where it takes no batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many *jobs*, or so many *seconds*, by *callers* at a time, or in batches of *size*.

    Jobs are numbered from *first*. *rate* is jobs a second. All go to one *lane*, if it is given.
    """

    jobs: int = 0
    seconds: float = 0
    callers: int = 1
    size: int = 100
    rate: float = 0
    first: int = 0
    lane: Lane | None = None

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + self.jobs)


class Awaited:
    """By an asyncio client: all callers in one event loop."""

    def __init__(self, peer: Peer[Any], load: Load) -> None:
        self._peer = peer
        self._load = load

    async def enqueue(self) -> dict[str, float]:
        """One job a call, as fast as the callers come round."""
        await self._peer.enqueue(self._peer.make(0))
        numbers = count(1)
        begun = time.monotonic()
        end = begun + self._load.seconds

        async def call() -> None:
            while time.monotonic() < end:
                await self._peer.enqueue(self._peer.make(next(numbers)))

        await asyncio.gather(*(call() for _ in range(self._load.callers)))
        return _rate(next(numbers) - 1, begun)

    async def batch(self) -> dict[str, float]:
        """Batch after batch by one caller."""
        size, done = self._load.size, 0
        begun = time.monotonic()
        while time.monotonic() < begun + self._load.seconds:
            await self._enqueue_batch(range(done, done + size))
            done += size
        return _rate(done, begun)

    async def fill(self) -> dict[str, float]:
        """As fast as it goes; how fast is not what is measured."""
        begun, numbers = time.monotonic(), self._load.numbers
        if isinstance(self._peer, BatchPeer):
            for start in range(0, len(numbers), self._load.size):
                await self._enqueue_batch(numbers[start : start + self._load.size])
        else:
            rest = iter(numbers)
            await asyncio.gather(*(self._enqueue_all(rest) for _ in range(FILLERS)))
        return _rate(len(numbers), begun)

    async def pace(self) -> dict[str, float]:
        """At an even rate, each job stamped just before it is handed over."""
        begun = time.monotonic()
        for turn, number in enumerate(self._load.numbers):
            if (early := begun + turn / self._load.rate - time.monotonic()) > 0:
                await asyncio.sleep(early)
            await self._peer.enqueue(self._peer.make(number, now(), self._load.lane))
        return _rate(self._load.jobs, begun)

    async def _enqueue_all(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            await self._peer.enqueue(self._peer.make(number, 0, self._load.lane))

    async def _enqueue_batch(self, numbers: Sequence[int]) -> None:
        assert isinstance(self._peer, BatchPeer)
        jobs = [self._peer.make(number, 0, self._load.lane) for number in numbers]
        await self._peer.enqueue_many(jobs)


class Blocking:
    """By a client that blocks: each caller is a thread."""

    def __init__(self, peer: BlockingPeer, load: Load) -> None:
        self._peer = peer
        self._load = load

    def enqueue(self) -> dict[str, float]:
        self._peer.enqueue(plain_job(0))
        numbers = count(1)
        begun = time.monotonic()
        end = begun + self._load.seconds

        def call() -> None:
            while time.monotonic() < end:
                self._peer.enqueue(plain_job(next(numbers)))

        _in_threads(call, self._load.callers)
        return _rate(next(numbers) - 1, begun)

    def fill(self) -> dict[str, float]:
        begun = time.monotonic()
        for number in self._load.numbers:
            self._peer.enqueue(plain_job(number, 0, self._load.lane))
        return _rate(self._load.jobs, begun)

    def pace(self) -> dict[str, float]:
        begun = time.monotonic()
        for turn, number in enumerate(self._load.numbers):
            if (early := begun + turn / self._load.rate - time.monotonic()) > 0:
                time.sleep(early)
            self._peer.enqueue(plain_job(number, now(), self._load.lane))
        return _rate(self._load.jobs, begun)


def _in_threads(call: Callable[[], None], number: int) -> None:
    threads = [threading.Thread(target=call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _rate(jobs: int, begun: float) -> dict[str, float]:
    return {"jobs": jobs, "jobs_per_second": jobs / (time.monotonic() - begun)}
