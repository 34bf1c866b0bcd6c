"""A queue and a consumer that show what a worker does with them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim
from postroom.domain.failure import StoreUnavailable
from postroom.domain.outcome import Duplicate
from postroom.entrypoints.worker import Worker

INSTANT = timedelta(milliseconds=30)
LONG = timedelta(hours=1)
BOUND = 5
"""Seconds that a test waits for something to happen."""

Logs = list[MutableMapping[str, Any]]


class Queue(InMemoryPointerQueue):
    """Shows what the worker asks of it, and can be away."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.away = False
        self.calls: Counter[str] = Counter()
        self.renewed: list[set[str]] = []

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if self.away:
            raise StoreUnavailable("Redis cannot be reached")

    def _take(self, limit: int, lease: timedelta) -> list[Claim]:
        self._called("claim")
        return super()._take(limit, lease)

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        self._called("renew")
        self.renewed.append({claim.job.id for claim in claims})
        return await super().renew(claims, lease)

    async def release(self, claim: Claim) -> bool:
        self._called("release")
        return await super().release(claim)

    async def retry(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        self._called("retry")
        return await super().retry(claim, delay, reason)


class Consumer:
    """Acknowledges each job, but first waits for those that are *held*, and stumbles over some."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.open = asyncio.Event()
        self.held: set[str] = set()
        self.errors: dict[str, Exception] = {}
        self.running: list[str] = []
        self.busiest = 0
        self.done: list[str] = []
        self.cancelled: list[str] = []
        self.overrun: list[str] = []
        self.suspects: list[str] = []

    async def overran(self, claim: Claim, _limit: timedelta) -> None:
        self.overrun.append(claim.job.id)
        await self.queue.acknowledge(claim)

    async def run_suspect(self, claim: Claim) -> None:
        self.suspects.append(claim.job.id)
        await self(claim)

    async def __call__(self, claim: Claim) -> Consumed:
        name = claim.job.id
        self.running.append(name)
        self.busiest = max(self.busiest, len(self.running))
        try:
            return await self._consume(claim)
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        finally:
            self.running.remove(name)

    async def _consume(self, claim: Claim) -> Consumed:
        await asyncio.sleep(0)
        if claim.job.id in self.held:
            await self.open.wait()
        if error := self.errors.get(claim.job.id):
            raise error
        settled = await self.queue.acknowledge(claim)
        self.done.append(claim.job.id)
        return Consumed(Duplicate(), settled)


@asynccontextmanager
async def at_work(worker: Worker) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    shift = asyncio.create_task(worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(BOUND):
            await shift


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND):
        while not condition():  # noqa: ASYNC110 - the condition knows of no event
            await asyncio.sleep(0.002)


def told(logs: Logs, event: str) -> Logs:
    return [entry for entry in logs if entry["event"] == event]


async def until_told(logs: Logs, event: str, times: int = 1) -> None:
    await until(lambda: len(told(logs, event)) >= times)


async def lose_a_worker(queue: Queue, clock: ManualClock) -> None:
    """One that had a job in hand; others go on, so its lease ends."""
    await queue.claim(1, INSTANT)
    for _ in range(3):
        clock.advance(INSTANT / 2)
        await queue.claim(0, INSTANT)
