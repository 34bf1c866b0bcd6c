"""A queue under load while its servers are ill-treated: many callers, a worker, what they saw.

Free of pytest, so that a benchmark can use it too.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from postroom.adapters.imap.pointer import ImapPointer
from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim, PointerQueue
from postroom.domain.failure import Unavailable
from postroom.domain.outcome import Duplicate
from postroom.domain.pointer import PointerJob
from postroom.entrypoints.worker import Worker
from tests.consuming import unexpected
from tests.redis_servers import RedisProcess

LEASE = timedelta(seconds=0.5)
WITHIN = 60
"""Seconds in which all is done: a bound, not a wait."""

PAUSE = 0.02
"""Seconds until a caller whose job was refused tries again, as the senders of notifications do."""


@dataclass
class Load:
    """*callers* at a time offer jobs, each one after the other, until they are told to stop.

    A job that is refused is offered again until it is taken, under the same id.
    """

    queue: PointerQueue
    callers: int = 64
    acknowledged: set[str] = field(default_factory=set)
    """Jobs whose enqueue returned."""
    claims: list[Claim] = field(default_factory=list)
    """All, in their order."""
    settled: Counter[str] = field(default_factory=Counter)
    """How often the worker was told that it had settled a job: 0 if that was told to be done."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Why jobs were refused."""
    unanswered: set[str] = field(default_factory=set)
    """Jobs that may be settled: the server was lost before it said so."""
    done_twice: set[str] = field(default_factory=set)
    """Jobs that came back after they had been taken and settled.

    (One that is settled before its caller has got an answer may come back: it is offered again.)
    """
    enough: bool = False
    _ended: set[str] = field(default_factory=set)
    _goal: int = 0
    _goal_reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def more_are_acknowledged(self, number: int) -> None:
        self._goal = len(self.acknowledged) + number
        self._goal_reached.clear()
        await self._goal_reached.wait()

    async def call(self) -> None:
        await asyncio.gather(*map(self._call, range(self.callers)))

    async def _call(self, caller: int) -> None:
        for number in count(1):
            if self.enough:
                return
            job = _job(caller, number)
            while not await self._offer(job):  # noqa: ASYNC110 - it tries again, it does not look
                await asyncio.sleep(PAUSE)

    async def _offer(self, job: PointerJob) -> bool:
        try:
            await self.queue.enqueue([job])
        except Unavailable as failure:
            self.refusals[failure.reason] += 1
            return False
        self.acknowledged.add(job.id)
        if len(self.acknowledged) >= self._goal:
            self._goal_reached.set()
        return True

    async def consume(self, claim: Claim) -> Consumed:
        self.claims.append(claim)
        try:
            settled = await self.queue.acknowledge(claim)
        except Unavailable:
            self.unanswered.add(claim.job.id)
            raise
        self.settled[claim.job.id] += settled
        if settled:
            self._note_end(claim.job.id)
        return Consumed(Duplicate(), settled)

    def _note_end(self, job: str) -> None:
        if job in self._ended:
            self.done_twice.add(job)
        elif job in self.acknowledged:
            self._ended.add(job)

    async def until_worked_off(self) -> None:
        while True:
            try:
                if not await self.queue.statistics():
                    return
            except Unavailable as failure:
                self.refusals[failure.reason] += 1
            await asyncio.sleep(PAUSE)

    @property
    def lost(self) -> set[str]:
        """Jobs that were taken, and of which the worker never learnt that they are settled."""
        return self.acknowledged - set(self.settled)

    def tokens_rise(self) -> bool:
        """Whether each claim's is above all that were given out before in its lane."""
        last: dict[tuple[str, str], int] = {}
        for claim in self.claims:
            lane = claim.job.tenant, claim.job.mailbox
            if claim.token <= last.get(lane, 0):
                return False
            last[lane] = claim.token
        return True


@asynccontextmanager
async def under_load(queue: PointerQueue, *, callers: int = 64) -> AsyncIterator[Load]:
    """A load while the block lasts, with a worker that works; in the end all is worked off."""
    load, stop = Load(queue, callers), asyncio.Event()
    worker = Worker(
        queue=queue,
        consume=load.consume,
        overran=unexpected,
        run_suspect=unexpected,
        concurrency=64,
        lease=LEASE,
    )
    async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run(stop))
        calling = tasks.create_task(load.call())
        yield load
        load.enough = True
        await calling
        await load.until_worked_off()
        stop.set()


async def killed_under_load(queue: PointerQueue, server: RedisProcess, *, each: int = 500) -> Load:
    """Kill the server after so many jobs, start it again, and go on for as many."""
    async with under_load(queue) as load:
        await load.more_are_acknowledged(each)
        server.kill()
        await asyncio.to_thread(server.start)
        await load.more_are_acknowledged(each)
    return load


def _job(caller: int, number: int) -> PointerJob:
    return PointerJob(
        id=f"{caller}-{number}",
        tenant=f"tenant-{caller % 4}",
        mailbox=f"mailbox-{caller % 16}",
        pointer=ImapPointer("INBOX", uid=number, uid_validity=1),
        enqueued_at=datetime(2030, 1, 1, tzinfo=UTC),
    )
