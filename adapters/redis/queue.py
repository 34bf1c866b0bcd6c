"""The pointer queue on Redis. What it promises is the port's; how it keeps it, the scripts'."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from typing import Literal
from uuid import uuid4

from postroom.adapters.redis import dead_letters
from postroom.adapters.redis.batcher import Batcher
from postroom.adapters.redis.claims import member_of, read_claims
from postroom.adapters.redis.errors import translated
from postroom.adapters.redis.exchange import Argument
from postroom.adapters.redis.scripts import Scripts, milliseconds, no_offset, root_of
from postroom.adapters.redis.servers import COMMAND_TIMEOUT, Servers
from postroom.adapters.redis.statistics import lane_statistics
from postroom.adapters.redis.wire import WireFormat, lane_of
from postroom.application.ports import (
    Claim,
    DeadLetterPage,
    LaneStatistics,
    PointerQueue,
    bounded,
)
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import PointerJob

PREFIX = "postroom"

LANE_CAP = 4
"""Jobs of one lane at a time: some providers allow no more requests at a time for one mailbox."""

MOST_CLAIMS = 256
"""In one call, so that no script occupies the server for long."""

LONGEST_BLOCK = 1.0
"""Seconds that a claim blocks before it looks again: so long a lost wake-up can go unnoticed.

(A worker that dies between being woken and claiming takes the wake-up with it.)
"""

SHORTEST_BLOCK = 0.001
"""Seconds that Redis can tell from zero, which would block for ever."""

MAX_REASON = 500
"""Characters that are kept of a reason."""

_AT_ONCE = timedelta()


class RedisPointerQueue(PointerQueue):
    """Keeps all under keys that begin with `{prefix:partition}`.

    *cap* is how many jobs of a lane may be in flight; *ahead* is for tests (scripts.py).
    """

    def __init__(
        self,
        servers: Servers,
        wire: WireFormat,
        *,
        prefix: str = PREFIX,
        partition: int = 0,
        cap: int = LANE_CAP,
        ahead: Callable[[], timedelta] = no_offset,
    ) -> None:
        self._root = root_of(prefix, partition)
        self._redis = servers.holding(self._root)
        self._scripts = Scripts(self._redis, self._root, ahead)
        self._wire = wire
        self._cap = cap
        self._wakeups = f"{self._root}:wakeup:{uuid4().hex}"
        self._wakeup_numbers = itertools.count()
        self._enqueue = Batcher(self._flush_jobs)
        self._settle = Batcher(self._flush_settlements)

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        """Also raises InvalidPointer: the job cannot be queued as it is."""
        if not jobs:
            return []
        is_new = await self._enqueue([self._wire.pack(job) for job in jobs])
        return [job.id for job, new in zip(jobs, is_new, strict=True) if new]

    async def _flush_jobs(self, jobs: Sequence[Sequence[Argument]]) -> Sequence[int]:
        replies: Sequence[int] = await self._scripts.run("enqueue", *chain.from_iterable(jobs))
        return replies

    async def claim(
        self, limit: int, lease: timedelta, *, wait: timedelta = timedelta()
    ) -> Sequence[Claim]:
        now = asyncio.get_running_loop().time
        deadline = now() + wait.total_seconds()
        # Three times in a lease, so that we are heard of (see outlast_outage in prelude.lua).
        longest = min(LONGEST_BLOCK, lease.total_seconds() / 3)
        claims, due_in = await self._take(limit, lease)
        while not claims and (left := deadline - now()) > 0:
            claims, due_in = await self._take(limit, lease, min(left, due_in, longest))
        return claims

    async def _take(
        self, limit: int, lease: timedelta, within: float = 0
    ) -> tuple[list[Claim], float]:
        """What can be claimed when there is news, or after *within* seconds.

        And the seconds until more is due.
        """
        wakeup = f"{self._wakeups}:{next(self._wakeup_numbers)}"
        taking = asyncio.ensure_future(self._take_readable(limit, lease, within, wakeup))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # Nobody is left to take what is being claimed.
            if within:
                with suppress(Unavailable):  # we wait until *within* is over, then
                    await self._wake(wakeup)
            with suppress(Unavailable):
                claims, _ = await taking
                await asyncio.gather(*map(self.release, claims))
            raise

    async def _wake(self, wakeup: str) -> None:
        """Wake ourselves; nobody else waits for this wakeup."""
        with translated():
            async with asyncio.timeout(COMMAND_TIMEOUT), self._redis.pipeline() as pipeline:
                pipeline.rpush(wakeup, "")
                pipeline.expire(wakeup, COMMAND_TIMEOUT)
                await pipeline.execute()

    async def _take_readable(
        self, limit: int, lease: timedelta, within: float, wakeup: str
    ) -> tuple[list[Claim], float]:
        arguments = min(limit, MOST_CLAIMS), milliseconds(lease), self._cap
        if within > SHORTEST_BLOCK:
            due_in, *claimed = await self._scripts.run_when_woken(
                "claim", *arguments, by=[wakeup, f"{self._root}:wake"], within=within
            )
        else:
            due_in, *claimed = await self._scripts.run("claim", *arguments)
        claims, left_to_others = read_claims(self._wire, claimed)
        if left_to_others:
            await self._settle(left_to_others)
        return claims, due_in / 1000 if due_in >= 0 else LONGEST_BLOCK

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        members = map(member_of, claims)
        held = await self._scripts.run("renew", milliseconds(lease), *members)
        return [claim for claim, is_held in zip(claims, held, strict=True) if not is_held]

    async def acknowledge(self, claim: Claim) -> bool:
        return await self._settle_one("acknowledge", claim)

    async def retry(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        return await self._settle_one("retry", claim, delay, reason)

    async def defer(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        return await self._settle_one("defer", claim, delay, reason)

    async def crashed(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        return await self._settle_one("crashed", claim, delay, reason)

    async def bury(self, claim: Claim, reason: str) -> bool:
        return await self._settle_one("bury", claim, reason=reason)

    async def release(self, claim: Claim) -> bool:
        return await self._settle_one("release", claim)

    async def _settle_one(
        self,
        what: Literal["acknowledge", "retry", "defer", "crashed", "bury", "release"],
        claim: Claim,
        delay: timedelta = _AT_ONCE,
        reason: str = "",
    ) -> bool:
        due_in = milliseconds(bounded(delay))
        [settled] = await self._settle([(what, member_of(claim), due_in, reason[:MAX_REASON])])
        return bool(settled)

    async def _flush_settlements(self, settlements: Sequence[Sequence[Argument]]) -> Sequence[int]:
        replies: Sequence[int] = await self._scripts.run(
            "settle", *chain.from_iterable(settlements)
        )
        return replies

    async def pause(
        self, tenant: str, mailbox: str, reason: str, *, delay: timedelta | None = None
    ) -> None:
        await self._pause(tenant, mailbox, reason, delay)

    async def back_off(self, tenant: str, mailbox: str, reason: str, delay: timedelta) -> None:
        await self._pause(tenant, mailbox, reason, delay, then_probation=True)

    async def _pause(
        self,
        tenant: str,
        mailbox: str,
        reason: str,
        delay: timedelta | None,
        *,
        then_probation: bool = False,
    ) -> None:
        lasts = "inf" if delay is None else milliseconds(bounded(delay))
        lane, why = lane_of(tenant, mailbox), reason[:MAX_REASON]
        await self._scripts.run("pause", lane, lasts, why, int(then_probation))

    async def resume(self, tenant: str, mailbox: str) -> bool:
        return bool(await self._scripts.run("resume", lane_of(tenant, mailbox)))

    async def statistics(self) -> Sequence[LaneStatistics]:
        return await lane_statistics(self._scripts, self._wire)

    async def dead_letters(
        self, chosen: DeadLetterFilter = EVERY_LETTER, *, limit: int = 100, after: str = ""
    ) -> DeadLetterPage:
        return await dead_letters.page(self._scripts, self._wire, chosen, limit, after)

    async def dead_letter(self, job_id: str) -> DeadLetter | None:
        return await dead_letters.letter(self._scripts, self._wire, job_id)

    async def redrive(self, job_ids: Sequence[str]) -> Sequence[str]:
        return await dead_letters.redrive(self._scripts, job_ids)

    async def purge(self, job_ids: Sequence[str]) -> Sequence[str]:
        return await dead_letters.purge(self._scripts, job_ids)
