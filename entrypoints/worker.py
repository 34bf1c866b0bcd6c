"""Drains the queue: so many jobs at a time, over all lanes, until told to stop.

While a store of our own is away, jobs that cannot be recorded are given back at no cost, and one at
a time tries whether it is there again. A job that is suspected of having killed workers is not run
here: see `application/run_suspect.py`.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from postroom.application.ports import Claim, PointerQueue
from postroom.domain.crash import is_suspect
from postroom.domain.failure import StoreUnavailable, Unavailable
from postroom.entrypoints.outage import Outage
from postroom.entrypoints.slots import LOOK_AGAIN, Slots, nobody_waits
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.events import claim_fields
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

WAIT = timedelta(seconds=5)
"""How long one claim waits for work. It may be long: a claim is cancelled when we stop."""

JUDGED_WITHIN = 60.0
"""Seconds that it may take to settle a job that was stopped: its mailbox may be probed first."""

OVERTAKEN = 0.25
"""Seconds that a job has to end whose lease is gone: it may be that it has just been settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Works on *concurrency* jobs at a time, and renews all their leases in one call.

    Those do not count that only wait for somebody else's server: see `Slots`, and *waiting* there.

    The *lease* is short, so that the jobs of a worker that is killed are soon with another; it is
    renewed three times over. A job that takes longer than *time_limit* is stopped when the leases
    are renewed next, and *overran* settles it. When told to stop, the worker gives its jobs
    *grace*, and then gives them back.
    """

    queue: PointerQueue
    consume: Callable[[Claim], Awaitable[object]]
    overran: Callable[[Claim, timedelta], Awaitable[object]]
    run_suspect: Callable[[Claim], Awaitable[object]]
    waiting: Callable[[timedelta], int] = nobody_waits
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
        self._slots = Slots(worker.concurrency, worker.waiting)
        self._outage = Outage("queue")
        self._store_outage = Outage("database")

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
        While a store is away, one, when no other is in work.
        """
        concurrency = self._worker.concurrency
        while self._store_outage.lasts:
            await self._until(lambda: not self._running)
            if self._store_outage.lasts:
                await self._store_outage.pause()
                return 1
        await self._until(lambda: self._free() > 0)
        return min(self._free(), math.ceil(concurrency / 2))

    def _free(self) -> int:
        return self._slots.free(len(self._running))

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until enough jobs have ended, or have become slow."""
        while not condition():
            self._ended.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN):
                    await self._ended.wait()

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
        try:
            await self._consume(claim)
            self._store_outage.is_over()
        except StoreUnavailable as failure:
            await self._give_back(claim, failure)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
            # Without the message and the traceback, which may quote mail.
            log.error("job crashed", **claim_fields(claim), **error_fields(error))  # noqa: TRY400
        finally:
            del self._running[claim.token]
            self._ended.set()

    async def _consume(self, claim: Claim) -> None:
        try:
            if is_suspect(claim.crashes) and not claim.unreadable:
                await self._worker.run_suspect(claim)
            else:
                await self._worker.consume(claim)
        except asyncio.CancelledError:
            running = self._running[claim.token]
            if not running.overran:
                raise
            # Else it would be stopped again at the next look, and pay for a lease that runs out.
            running.stop_at = asyncio.get_running_loop().time() + JUDGED_WITHIN
            limit = self._worker.time_limit
            log.warning("job stopped", **claim_fields(claim), seconds=limit.total_seconds())
            await self._worker.overran(claim, limit)

    async def _give_back(self, claim: Claim, failure: StoreUnavailable) -> None:
        """At no cost: the store is away, and would be for any other job."""
        log.info("given back", **claim_fields(claim), reason=failure.reason)
        try:
            await self._queue.release(claim)
        except Unavailable as unreachable:
            self._outage.began(unreachable)  # the lease runs out instead
        else:
            self._store_outage.began(failure)

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
