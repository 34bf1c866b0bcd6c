"""Drains the queue: so many jobs at a time, over all lanes, until told to stop."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim, PointerQueue
from postroom.domain.failure import Unavailable
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.events import claim_fields
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

WAIT = timedelta(seconds=5)
"""How long one claim waits for work. It may be long: a claim is cancelled when we stop."""

OVERTAKEN = 0.25
"""Seconds that a job has to end whose lease is gone: it may be that it has just been settled."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two looks for a queue that is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Works on *concurrency* jobs at a time, and renews all their leases in one call.

    The *lease* is short, so that the jobs of a worker that is killed are soon with another; it is
    renewed three times over. A job that takes longer than *time_limit* is stopped when the leases
    are renewed next, and due again after *backoff* (it is given the number of the attempt). When
    told to stop, the worker gives its jobs *grace*, and then gives them back.
    """

    queue: PointerQueue
    consume: Callable[[Claim], Awaitable[Consumed]]
    backoff: Callable[[int], timedelta]
    concurrency: int = 16
    lease: timedelta = timedelta(seconds=5)
    time_limit: timedelta = timedelta(minutes=5)
    grace: timedelta = timedelta(seconds=25)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop* is set, whatever happens to a job or to the connection to the queue."""
        log.info("worker started", concurrency=self.concurrency)
        work = _Run(self)
        async with asyncio.TaskGroup() as tasks:
            claiming = tasks.create_task(work.claim_jobs(tasks))
            looking = tasks.create_task(work.look_after())
            await stop.wait()
            await cancel([claiming])
            given_back = await work.finish()
            await cancel([looking])
        log.info("worker stopped", count=given_back)


@dataclass(slots=True)
class _Running:
    """A job in work. *stop_at* is when it must have ended, by the loop's clock."""

    claim: Claim
    task: asyncio.Task[None]
    stop_at: float
    overran: bool = False


class _Run:
    """What a worker has in hand between its start and its stop."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._queue = worker.queue
        self._running: dict[int, _Running] = {}  # by token
        self._ended = asyncio.Event()
        self._outage = _Outage()

    async def claim_jobs(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            room = await self._room()
            try:
                claims = await self._claim(room)
            except Unavailable as failure:
                await self._outage.sit_out(failure)
                continue
            self._outage.is_over()
            for claim in claims:
                self._start(claim, tasks)

    def _start(self, claim: Claim, tasks: asyncio.TaskGroup) -> None:
        stop_at = asyncio.get_running_loop().time() + self._worker.time_limit.total_seconds()
        task = tasks.create_task(self._work(claim))
        self._running[claim.token] = _Running(claim, task, stop_at)

    async def _room(self) -> int:
        """How many more jobs to claim: one at least.

        No more than half of what we can take: the one half is in work while the other is claimed.
        """
        concurrency = self._worker.concurrency
        while not (room := concurrency - len(self._running)):
            self._ended.clear()
            await self._ended.wait()
        return min(room, math.ceil(concurrency / 2))

    async def _claim(self, room: int) -> Sequence[Claim]:
        if not self._outage.lasts:
            return await self._queue.claim(room, self._worker.lease, wait=WAIT)
        # First hold on to what we have: its leases may have run out, and we would claim it again.
        await self._renew()
        return await self._queue.claim(room, self._worker.lease)

    async def look_after(self) -> None:
        """Stop the jobs that overrun, and renew the leases of all."""
        while True:
            await asyncio.sleep(self._worker.lease.total_seconds() / 3)
            self._stop_overruns()
            try:
                lost = await self._renew()
            except Unavailable as failure:
                self._outage.began(failure)
                continue
            if lost:
                await self._drop(lost)

    def _stop_overruns(self) -> None:
        # At each look again: a library may have lost the cancellation (tasks.py).
        now = asyncio.get_running_loop().time()
        for running in self._running.values():
            if now > running.stop_at:
                running.overran = True
                running.task.cancel()

    async def _renew(self) -> Sequence[_Running]:
        """Those of our jobs whose lease is gone."""
        claims = [running.claim for running in self._running.values()]
        lost = await self._queue.renew(claims, self._worker.lease) if claims else []
        return [self._running[claim.token] for claim in lost if claim.token in self._running]

    async def _drop(self, lost: Sequence[_Running]) -> None:
        await _wait_for(lost, OVERTAKEN)
        for running in lost:
            if not running.task.done():
                log.warning("lease lost", **claim_fields(running.claim))
                running.task.cancel()

    async def _work(self, claim: Claim) -> None:
        """One job. An error that nobody foresaw ends with the lease: that counts as a crash."""
        try:
            await self._worker.consume(claim)
        except asyncio.CancelledError:
            if not self._running[claim.token].overran:
                raise
            await self._give_up(claim)
        except Unavailable as failure:
            log.warning("job not settled", **claim_fields(claim), reason=failure.reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
            # Without the message and the traceback, which may quote mail.
            log.error("job crashed", **claim_fields(claim), **error_fields(error))  # noqa: TRY400
        finally:
            del self._running[claim.token]
            self._ended.set()

    async def _give_up(self, claim: Claim) -> None:
        reason = f"took longer than {self._worker.time_limit.total_seconds():g} s"
        log.warning("job stopped", **claim_fields(claim), reason=reason)
        try:
            await self._queue.retry(claim, self._worker.backoff(claim.attempt), reason)
        except Unavailable as failure:
            self._outage.began(failure)

    async def finish(self) -> int:
        """Let the jobs end, then stop those that have not, and give them back. Returns how many."""
        await _wait_for(self._running.values(), self._worker.grace.total_seconds())
        left = list(self._running.values())
        await cancel([running.task for running in left])
        try:
            await asyncio.gather(*(self._queue.release(running.claim) for running in left))
        except Unavailable as failure:
            self._outage.began(failure)  # the leases run out instead
        return len(left)


async def _wait_for(jobs: Collection[_Running], seconds: float) -> None:
    if jobs:
        await asyncio.wait([running.task for running in jobs], timeout=seconds)


class _Outage:
    """Tells once that the queue is unreachable, and once that it is reachable again."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._pause = FIRST_PAUSE

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def began(self, failure: Unavailable) -> None:
        if self._since is None:
            self._since = asyncio.get_running_loop().time()
            log.error("queue unreachable", reason=failure.reason)

    async def sit_out(self, failure: Unavailable) -> None:
        """Pause, for longer each time."""
        self.began(failure)
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def is_over(self) -> None:
        if self._since is not None:
            seconds = asyncio.get_running_loop().time() - self._since
            log.info("queue reachable again", seconds=round(seconds, 1))
        self._since, self._pause = None, FIRST_PAUSE
