"""A pointer queue that is forgotten when the process ends."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from postroom.adapters.memory.dead_letters import DeadLetters, Lane
from postroom.application.ports import (
    Claim,
    Clock,
    DeadLetterPage,
    LaneStatistics,
    PointerQueue,
    bounded,
)
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.pointer import PointerJob

MOST_REASONS = 32
"""That are kept of a job: deferrals have no end of their own."""

REDRIVEN = "redriven"
"""Stands among a job's reasons, so that they tell the whole story."""


@dataclass(slots=True)
class _Entry:
    """A job that is ready (*due* is None), delayed, or in flight (under a *token* other than 0)."""

    job: PointerJob
    arrival: int
    attempts: int = 0
    crashes: int = 0
    solo_crashes: int = 0
    token: int = 0
    due: datetime | None = None
    prolonged: bool = False
    reclaimed: bool = False
    first_claimed_at: datetime | None = None
    reasons: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=MOST_REASONS))

    @property
    def lane(self) -> Lane:
        return _lane(self.job)


class InMemoryPointerQueue(PointerQueue):
    """*cap* is how many jobs of a lane may be in flight."""

    def __init__(self, clock: Clock, *, cap: int = 4) -> None:
        self._clock = clock
        self._cap = cap
        self._numbers = count(1)
        self._entries: dict[str, _Entry] = {}
        self._dead = DeadLetters(clock)
        self._pauses: dict[Lane, tuple[datetime | None, str]] = {}
        self._probation: dict[Lane, datetime] = {}  # since when
        self._last_turn: defaultdict[str | Lane, int] = defaultdict(int)
        self._arrived = asyncio.Event()
        self._heard_at = clock.now()  # of a worker

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        return [job.id for job in jobs if self._add(job)]

    def _add(self, job: PointerJob) -> bool:
        is_new = job.id not in self._entries
        if is_new:
            self._entries[job.id] = _Entry(job, next(self._numbers))
            self._arrived.set()
        return is_new

    async def claim(
        self, limit: int, lease: timedelta, *, wait: timedelta = timedelta()
    ) -> Sequence[Claim]:
        claims: list[Claim] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                while not (claims := self._take(limit, lease)):
                    await self._wake_up(lease / 3)
        return claims

    async def _wake_up(self, within: timedelta) -> None:
        """Return when there may be work: at the news of it, or when a job or a pause is over.

        Or when *within* is over: whoever waits is heard of three times in a lease.
        """
        self._arrived.clear()
        ends = [entry.due for entry in self._entries.values()]
        ends += [until for until, _ in self._pauses.values()]
        due = min(filter(None, ends), default=None)
        left = min(due - self._clock.now(), within) if due else within
        with suppress(TimeoutError):
            async with asyncio.timeout(left.total_seconds()):
                await self._arrived.wait()

    def _take(self, limit: int, lease: timedelta) -> list[Claim]:
        now = self._clock.now()
        self._outlast_outage(now, lease)
        for entry in self._entries.values():
            if entry.due and entry.due <= now:
                self._come_back(entry, now)
        for lane, (until, _) in list(self._pauses.items()):
            if until and until <= now:
                del self._pauses[lane]
        claims: list[Claim] = []
        while len(claims) < limit and (ready := self._next()):
            claims.append(self._hand_out(ready, until=now + lease))
        return claims

    def _outlast_outage(self, now: datetime, lease: timedelta) -> None:
        """Prolong the leases, once, if no worker could hold on to them for half of one."""
        unheard = now - self._heard_at
        if unheard > lease / 2:
            latest = now + lease / 2
            for entry in self._entries.values():
                if entry.token and not entry.prolonged and entry.due and entry.due <= latest:
                    entry.due, entry.prolonged = now + lease, True
        if unheard > lease / 4:
            self._hear()

    def _hear(self) -> None:
        self._heard_at = max(self._heard_at, self._clock.now())

    def _come_back(self, entry: _Entry, now: datetime) -> None:
        if entry.token:
            entry.reclaimed = True
            entry.crashes += 1
            entry.reasons.append((now, "the lease ran out"))
        entry.token, entry.due = 0, None

    def _next(self) -> _Entry | None:
        """The oldest job of the lane, of the tenant, that has waited longest for its turn."""
        running = Counter(entry.lane for entry in self._entries.values() if entry.token)
        ready = [
            entry
            for entry in self._entries.values()
            if not entry.due and self._has_room(entry.lane, running[entry.lane])
        ]
        turn = self._last_turn
        return min(
            ready,
            key=lambda entry: (turn[entry.job.tenant], turn[entry.lane], entry.arrival),
            default=None,
        )

    def _has_room(self, lane: Lane, running: int) -> bool:
        return lane not in self._pauses and running < (1 if lane in self._probation else self._cap)

    def _hand_out(self, entry: _Entry, *, until: datetime) -> Claim:
        entry.token, entry.due, entry.prolonged = next(self._numbers), until, False
        self._hear()
        now = self._clock.now()
        entry.first_claimed_at = entry.first_claimed_at or now
        self._last_turn[entry.job.tenant] = self._last_turn[entry.lane] = entry.token
        return Claim(
            job=entry.job,
            attempt=entry.attempts + 1,
            token=entry.token,
            reclaimed=entry.reclaimed,
            crashes=entry.crashes,
            solo_crashes=entry.solo_crashes,
            since_first=now - entry.first_claimed_at,
            probation=self._on_probation(entry.lane),
        )

    def _on_probation(self, lane: Lane) -> timedelta | None:
        since = self._probation.get(lane)
        return self._clock.now() - since if since else None

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        now = self._clock.now()
        self._outlast_outage(now, lease)
        lost = [claim for claim in claims if not self._held(claim)]
        for claim in claims:
            if entry := self._held(claim):
                entry.due, entry.prolonged = now + lease, False
        return lost

    def _held(self, claim: Claim) -> _Entry | None:
        entry = self._entries.get(claim.job.id)
        return entry if entry and entry.token == claim.token else None

    async def acknowledge(self, claim: Claim) -> bool:
        return self._end(claim) is not None and bool(self._entries.pop(claim.job.id))

    async def retry(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        if entry := self._delay(claim, delay, reason):
            entry.attempts += 1
        return entry is not None

    async def defer(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        return self._delay(claim, delay, reason) is not None

    async def crashed(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        if entry := self._delay(claim, delay, reason):
            entry.solo_crashes += 1
        return entry is not None

    async def bury(self, claim: Claim, reason: str) -> bool:
        if entry := self._end(claim, reason):
            del self._entries[claim.job.id]
            self._hear()
            crashes = entry.crashes + entry.solo_crashes
            self._dead.add(entry.job, entry.attempts + 1, crashes, entry.reasons)
        return entry is not None

    async def release(self, claim: Claim) -> bool:
        return self._end(claim) is not None

    def _delay(self, claim: Claim, delay: timedelta, reason: str) -> _Entry | None:
        entry, wait = self._end(claim, reason), bounded(delay)
        if entry and wait:
            entry.due = self._clock.now() + wait
        return entry

    def _end(self, claim: Claim, reason: str = "") -> _Entry | None:
        """The entry of *claim*, ready again; None if the claim is not held any more."""
        if entry := self._held(claim):
            entry.token, entry.due, entry.reclaimed = 0, None, False
            if reason:
                entry.reasons.append((self._clock.now(), reason))
            self._arrived.set()
        return entry

    async def pause(
        self, tenant: str, mailbox: str, reason: str, *, delay: timedelta | None = None
    ) -> None:
        until = None if delay is None else self._clock.now() + bounded(delay)
        stands = self._pauses.get((tenant, mailbox))
        if not stands or until is None or (stands[0] and stands[0] <= until):
            self._pauses[tenant, mailbox] = until, reason
            self._arrived.set()

    async def back_off(self, tenant: str, mailbox: str, reason: str, delay: timedelta) -> None:
        self._probation.setdefault((tenant, mailbox), self._clock.now())
        await self.pause(tenant, mailbox, reason, delay=delay)

    async def resume(self, tenant: str, mailbox: str) -> bool:
        self._arrived.set()
        lane = tenant, mailbox
        ended = self._pauses.pop(lane, None), self._probation.pop(lane, None)
        return any(end is not None for end in ended)

    async def statistics(self) -> Sequence[LaneStatistics]:
        lanes = {entry.lane for entry in self._entries.values()}
        lanes |= self._dead.lanes.keys() | self._pauses.keys() | self._probation.keys()
        return [self._statistics(lane) for lane in sorted(lanes)]

    def _statistics(self, lane: Lane) -> LaneStatistics:
        entries = [entry for entry in self._entries.values() if entry.lane == lane]
        ready = [entry for entry in entries if not entry.due]
        running = [entry for entry in entries if entry.token]
        now = self._clock.now()
        until, reason = self._pauses.get(lane, (None, ""))
        oldest = min(ready, key=lambda entry: entry.arrival, default=None)
        return LaneStatistics(
            tenant=lane[0],
            mailbox=lane[1],
            ready=len(ready),
            delayed=len(entries) - len(ready) - len(running),
            in_flight=len(running),
            dead=self._dead.lanes[lane],
            oldest_age=now - oldest.job.enqueued_at if oldest else timedelta(),
            paused=reason,
            paused_until=until,
            waiting_for=self._on_probation(lane),
        )

    def held(self) -> Sequence[PointerJob]:
        """All that wait, in whatever state, or are in flight."""
        return [entry.job for entry in self._entries.values()]

    def forget(self) -> None:
        """Be empty, as a Redis that has lost its file."""
        self._entries.clear()
        self._dead = DeadLetters(self._clock)
        self._pauses.clear()
        self._probation.clear()

    async def dead_letters(
        self, chosen: DeadLetterFilter = EVERY_LETTER, *, limit: int = 100, after: str = ""
    ) -> DeadLetterPage:
        return self._dead.page(chosen, limit, after)

    async def dead_letter(self, job_id: str) -> DeadLetter | None:
        return self._dead.get(job_id)

    async def redrive(self, job_ids: Sequence[str]) -> Sequence[str]:
        letters = self._dead.take(job_ids)
        for letter in letters:
            if letter.job and self._add(letter.job):
                reasons = self._entries[letter.id].reasons
                reasons.extend([*letter.reasons, (self._clock.now(), REDRIVEN)])
        return [letter.id for letter in letters]

    async def purge(self, job_ids: Sequence[str]) -> Sequence[str]:
        return [letter.id for letter in self._dead.take(job_ids)]


def _lane(job: PointerJob) -> Lane:
    return job.tenant, job.mailbox
