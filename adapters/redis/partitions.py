"""The pointer queue over several partitions, which a cluster can keep on different servers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar
from zlib import crc32

from postroom.adapters.redis.queue import LANE_CAP, PREFIX, RedisPointerQueue
from postroom.adapters.redis.scripts import no_offset
from postroom.adapters.redis.servers import Servers
from postroom.adapters.redis.wire import WireFormat, lane_of
from postroom.application.dead_letter_pages import microseconds
from postroom.application.ports import Claim, DeadLetterPage, LaneStatistics, PointerQueue
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import PointerJob

Result = TypeVar("Result")


def redis_queue(
    servers: Servers,
    wire: WireFormat,
    *,
    prefix: str = PREFIX,
    partitions: int = 1,
    cap: int = LANE_CAP,
    ahead: Callable[[], timedelta] = no_offset,
) -> PointerQueue:
    """The queue under the keys that begin with *prefix*; for *cap* and *ahead* see its parts."""
    parts = [
        RedisPointerQueue(servers, wire, prefix=prefix, partition=number, cap=cap, ahead=ahead)
        for number in range(partitions)
    ]
    return parts[0] if partitions == 1 else PartitionedPointerQueue(parts, wire)


class PartitionedPointerQueue(PointerQueue):
    """Each lane lies whole in one of *partitions*, always the same while their number is.

    So a lane's order and its cap hold as ever; tenants take turns within each partition, and the
    partitions with each other. Jobs of several partitions are not queued all or none: when
    `enqueue` fails, some of them may be queued, and are found to be so when they come again.
    """

    def __init__(self, partitions: Sequence[RedisPointerQueue], wire: WireFormat) -> None:
        self._partitions = partitions
        self._wire = wire
        self._first = 0

    def _of(self, tenant: str, mailbox: str) -> RedisPointerQueue:
        lane = lane_of(tenant, mailbox)
        return self._partitions[crc32(lane.encode()) % len(self._partitions)]

    def _holding(self, job: PointerJob) -> RedisPointerQueue:
        return self._of(job.tenant, job.mailbox)

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        """Also raises InvalidPointer, before any is queued: a job cannot be queued as it is."""
        for job in jobs:
            self._wire.pack(job)
        shares: dict[RedisPointerQueue, list[PointerJob]] = {}
        for job in jobs:
            shares.setdefault(self._holding(job), []).append(job)
        new = await _all(partition.enqueue(share) for partition, share in shares.items())
        return _in_order([job.id for job in jobs], new)

    async def claim(
        self, limit: int, lease: timedelta, *, wait: timedelta = timedelta()
    ) -> Sequence[Claim]:
        """Raises Unavailable only if nothing is claimed from the partitions that are there."""
        called_off = asyncio.Event()
        claiming = asyncio.create_task(self._claim(limit, lease, wait, called_off))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # Nobody is left to take what is being claimed.
            called_off.set()
            with suppress(Unavailable):
                await asyncio.gather(*map(self.release, await claiming))
            raise

    async def _claim(
        self, limit: int, lease: timedelta, wait: timedelta, called_off: asyncio.Event
    ) -> list[Claim]:
        claims = await self._claim_in_turn(limit, lease)
        if not claims and wait and not called_off.is_set():
            claims = await self._claim_the_next(limit, lease, wait, called_off)
        return claims

    async def _claim_in_turn(self, limit: int, lease: timedelta) -> list[Claim]:
        """What there is now; each time another partition comes first."""
        self._first = (self._first + 1) % len(self._partitions)
        claims: list[Claim] = []
        failures: list[Unavailable] = []
        for partition in (*self._partitions[self._first :], *self._partitions[: self._first]):
            try:
                if len(claims) < limit:
                    claims += await partition.claim(limit - len(claims), lease)
            except Unavailable as failure:
                failures.append(failure)
        return _unless_all_is_lost(claims, failures)

    async def _claim_the_next(
        self, limit: int, lease: timedelta, wait: timedelta, called_off: asyncio.Event
    ) -> list[Claim]:
        """What comes first in any of them."""
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(partition.claim(limit, lease, wait=wait))
            for partition in self._partitions
        ]
        tasks.append(asyncio.create_task(called_off.wait()))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        claims = [claim for result in results if isinstance(result, list) for claim in result]
        await asyncio.gather(*map(self.release, claims[limit:]))
        failures = [result for result in results if isinstance(result, Unavailable)]
        return _unless_all_is_lost(claims[:limit], failures)

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        shares: dict[RedisPointerQueue, list[Claim]] = {}
        for claim in claims:
            shares.setdefault(self._holding(claim.job), []).append(claim)
        lost = await _all(partition.renew(share, lease) for partition, share in shares.items())
        is_lost = set(chain.from_iterable(lost))
        return [claim for claim in claims if claim in is_lost]

    async def acknowledge(self, claim: Claim) -> bool:
        return await self._holding(claim.job).acknowledge(claim)

    async def retry(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        return await self._holding(claim.job).retry(claim, delay, reason)

    async def defer(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        return await self._holding(claim.job).defer(claim, delay, reason)

    async def crashed(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        return await self._holding(claim.job).crashed(claim, delay, reason)

    async def bury(self, claim: Claim, reason: str) -> bool:
        return await self._holding(claim.job).bury(claim, reason)

    async def release(self, claim: Claim) -> bool:
        return await self._holding(claim.job).release(claim)

    async def pause(
        self, tenant: str, mailbox: str, reason: str, *, delay: timedelta | None = None
    ) -> None:
        await self._of(tenant, mailbox).pause(tenant, mailbox, reason, delay=delay)

    async def back_off(self, tenant: str, mailbox: str, reason: str, delay: timedelta) -> None:
        await self._of(tenant, mailbox).back_off(tenant, mailbox, reason, delay)

    async def resume(self, tenant: str, mailbox: str) -> bool:
        return await self._of(tenant, mailbox).resume(tenant, mailbox)

    async def statistics(self) -> Sequence[LaneStatistics]:
        lanes = chain.from_iterable(await _all(part.statistics() for part in self._partitions))
        return sorted(lanes, key=attrgetter("tenant", "mailbox"))

    async def dead_letters(
        self, chosen: DeadLetterFilter = EVERY_LETTER, *, limit: int = 100, after: str = ""
    ) -> DeadLetterPage:
        pages = await _all(
            part.dead_letters(chosen, limit=limit, after=after) for part in self._partitions
        )
        return _merged(pages, limit)

    async def dead_letter(self, job_id: str) -> DeadLetter | None:
        found = await _all(part.dead_letter(job_id) for part in self._partitions)
        return next(filter(None, found), None)

    async def redrive(self, job_ids: Sequence[str]) -> Sequence[str]:
        there = await _all(partition.redrive(job_ids) for partition in self._partitions)
        return _in_order(job_ids, there)

    async def purge(self, job_ids: Sequence[str]) -> Sequence[str]:
        there = await _all(partition.purge(job_ids) for partition in self._partitions)
        return _in_order(job_ids, there)


def _unless_all_is_lost(claims: list[Claim], failures: Sequence[Unavailable]) -> list[Claim]:
    if failures and not claims:
        raise failures[0]
    return claims


def _merged(pages: Sequence[DeadLetterPage], limit: int) -> DeadLetterPage:
    """One page of the letters of all, as far back as every one of *pages* goes."""
    back_to = max((int(page.next) for page in pages if page.next), default=0)
    letters = sorted(
        (
            letter
            for page in pages
            for letter in page.letters
            if microseconds(letter.died_at) >= back_to
        ),
        key=attrgetter("died_at"),
        reverse=True,
    )
    if len(letters) > limit:
        # Letters of two partitions may have died at one moment: a page does not come between them.
        last = letters[limit - 1].died_at
        letters = [letter for letter in letters if letter.died_at >= last]
        back_to = microseconds(last)
    return DeadLetterPage(letters, str(back_to) if back_to else "")


def _in_order(job_ids: Sequence[str], of_each: Sequence[Sequence[str]]) -> Sequence[str]:
    there = set(chain.from_iterable(of_each))
    return [job_id for job_id in dict.fromkeys(job_ids) if job_id in there]


async def _all(calls: Iterable[Awaitable[Result]]) -> Sequence[Result]:
    """The results of *calls*, all at the same time. Raises what the first that fails does."""
    return await asyncio.gather(*calls)
