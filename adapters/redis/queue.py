"""The pointer queue on Redis. What it promises is the port's; how it keeps it, the scripts'."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Literal
from uuid import uuid4

from postroom.adapters.redis import dead_letters
from postroom.adapters.redis.batcher import Batcher
from postroom.adapters.redis.errors import translated
from postroom.adapters.redis.exchange import Argument
from postroom.adapters.redis.scripts import Scripts, milliseconds, no_offset, root_of
from postroom.adapters.redis.servers import COMMAND_TIMEOUT, Servers
from postroom.adapters.redis.statistics import lane_statistics
from postroom.adapters.redis.wire import NewerRecord, UnreadableRecord, WireFormat, lane_of
from postroom.application.ports import Claim, DeadLetterPage, LaneStatistics, PointerQueue
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

LEFT_TO_OTHERS = timedelta(minutes=1)
"""How long a job that only another release can read waits to be claimed again.

While a release is rolled out, workers of both claim from one queue.
"""


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
        claims, due_in = await self._take(limit, lease)
        while not claims and (left := deadline - now()) > 0:
            claims, due_in = await self._take(limit, lease, min(left, due_in, LONGEST_BLOCK))
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
        claims, unread = self._read(*claimed)
        if unread:
            await self._settle(unread)
        return claims, due_in / 1000 if due_in >= 0 else LONGEST_BLOCK

    def _read(self, *claimed: Any) -> tuple[list[Claim], list[Sequence[Argument]]]:  # noqa: ANN401
        """The claims, and how those are settled whose record cannot be read."""
        claims: list[Claim] = []
        unread: list[Sequence[Argument]] = []
        for name, lane, token, attempt, reclaimed, record in _by_claim(*claimed):
            member = f"{token}/{attempt}/{lane}/{name}"
            try:
                job = self._wire.unpack(name, lane, record)
            except NewerRecord as error:
                unread.append(("leave", member, milliseconds(LEFT_TO_OTHERS), str(error)))
            except UnreadableRecord as error:
                unread.append(("bury", member, 0, str(error)))
            else:
                claims.append(Claim(job, attempt, token, bool(reclaimed)))
        return claims, unread

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        members = map(_member, claims)
        held = await self._scripts.run("renew", milliseconds(lease), *members)
        return [claim for claim, is_held in zip(claims, held, strict=True) if not is_held]

    async def acknowledge(self, claim: Claim) -> bool:
        return await self._settle_one("acknowledge", claim)

    async def retry(self, claim: Claim, at: datetime, reason: str) -> bool:
        return await self._settle_one("retry", claim, at, reason)

    async def defer(self, claim: Claim, until: datetime, reason: str) -> bool:
        return await self._settle_one("defer", claim, until, reason)

    async def bury(self, claim: Claim, reason: str) -> bool:
        return await self._settle_one("bury", claim, reason=reason)

    async def release(self, claim: Claim) -> bool:
        return await self._settle_one("release", claim)

    async def _settle_one(
        self,
        what: Literal["acknowledge", "retry", "defer", "bury", "release"],
        claim: Claim,
        due: datetime | None = None,
        reason: str = "",
    ) -> bool:
        at = int(due.timestamp() * 1000) if due else 0
        [settled] = await self._settle([(what, _member(claim), at, reason[:MAX_REASON])])
        return bool(settled)

    async def _flush_settlements(self, settlements: Sequence[Sequence[Argument]]) -> Sequence[int]:
        replies: Sequence[int] = await self._scripts.run(
            "settle", *chain.from_iterable(settlements)
        )
        return replies

    async def pause(
        self, tenant: str, mailbox: str, reason: str, *, until: datetime | None = None
    ) -> None:
        ends = int(until.timestamp() * 1000) if until else "inf"
        await self._scripts.run("pause", lane_of(tenant, mailbox), ends, reason[:MAX_REASON])

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


_Claimed = tuple[str, str, int, int, int, bytes | None]


def _by_claim(
    ids: Sequence[bytes] = (),
    lanes: Sequence[bytes] = (),
    last_token: bytes = b"0",
    *others: Sequence[Any],
) -> Iterator[_Claimed]:
    """Id, lane, token, attempt, whether it was reclaimed, and record of each job claimed."""
    tokens = itertools.count(int(last_token) + 1)
    return zip(map(bytes.decode, ids), map(bytes.decode, lanes), tokens, *others, strict=False)


def _member(claim: Claim) -> str:
    lane = lane_of(claim.job.tenant, claim.job.mailbox)
    return f"{claim.token}/{claim.attempt}/{lane}/{claim.job.id}"
