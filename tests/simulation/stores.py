"""What survives a crash: the in-memory adapters of the queue and the database, looked into.

All that the simulation knows of how they are made stands here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.circuits import InMemoryCircuitStore
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.heartbeat import InMemoryQueueHeartbeat, InMemoryQueueSurvey
from postroom.adapters.memory.locks import InMemoryLocks
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.ports import Claim, Clock, OutcomeRecord
from postroom.domain.folder_sync import FolderSync
from postroom.domain.pointer import PointerJob
from tests.simulation.process import PROCESS
from tests.simulation.reading import LANE_CAP

Violate = Callable[[str, str], None]

LONGEST_WAIT = timedelta(hours=1)
"""The longest Retry-After that is heeded."""

LONGEST_RETRY = timedelta(hours=13)
"""Of a message that has failed by itself (RetryPolicy.ceiling)."""

WAITS = "waits are as long as meant"
FENCED = "who has lost a claim settles nothing"
ENDED = "what is forgotten has ended"

_SHARED = frozenset(
    {"_clock", "_cap", "_numbers", "_arrived", "_true", "_seen", "_violate", "_ended"}
)
"""What of a queue is none of its records. Its numbers are the time in Redis: none comes again."""


LEFT_TO_OTHERS = timedelta(minutes=1)
"""How long a job waits that only a newer release can read, as in adapters/redis."""


@dataclass
class Seen:
    """Ids of all jobs that ever were queued, and when each was acknowledged first.

    *written* is the release that wrote each. *crashes* are those that each was found to have behind
    it: leases that ran out, and ends of a process that ran it alone.
    """

    queued: set[str] = field(default_factory=set)
    written: dict[str, int] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    crashes: Counter[str] = field(default_factory=Counter)


class WatchedQueue(InMemoryPointerQueue):
    """Goes by the true time. *ended* are the ids of a tenant's jobs whose outcome is recorded."""

    def __init__(
        self, clock: Clock, seen: Seen, violate: Violate, ended: Callable[[str], set[str]]
    ) -> None:
        super().__init__(clock, cap=LANE_CAP)
        self._true = clock
        self._seen = seen
        self._violate = violate
        self._ended = ended

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        new = await super().enqueue(jobs)
        self._seen.queued |= {job.id for job in jobs}
        self._seen.written |= dict.fromkeys(new, _release())
        return new

    async def claim(
        self, limit: int, lease: timedelta, *, wait: timedelta = timedelta()
    ) -> Sequence[Claim]:
        """What the process can read: it leaves to others what a newer release has written."""
        claims = await super().claim(limit, lease, wait=wait)
        self._seen.crashes |= Counter({each.job.id: each.crashes for each in claims})
        newer = [each for each in claims if self._seen.written.get(each.job.id, 0) > _release()]
        for each in newer:
            await super().defer(each, LEFT_TO_OTHERS, "a newer release wrote it")
        return [each for each in claims if each not in newer]

    async def retry(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        self._measure("retry", delay, LONGEST_RETRY)
        return self._settled(claim, self._is_ours(claim), await super().retry(claim, delay, reason))

    async def defer(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        self._measure("deferral", delay)
        return self._settled(claim, self._is_ours(claim), await super().defer(claim, delay, reason))

    async def pause(
        self, tenant: str, mailbox: str, reason: str, *, delay: timedelta | None = None
    ) -> None:
        if delay:
            self._measure("pause", delay)
        await super().pause(tenant, mailbox, reason, delay=delay)

    async def back_off(self, tenant: str, mailbox: str, reason: str, delay: timedelta) -> None:
        self._measure("backoff", delay)
        await super().back_off(tenant, mailbox, reason, delay)

    async def acknowledge(self, claim: Claim) -> bool:
        self._check_end(claim)
        self._seen.ended.setdefault(claim.job.id, self._true.now())
        return self._settled(claim, self._is_ours(claim), await super().acknowledge(claim))

    async def bury(self, claim: Claim, reason: str) -> bool:
        self._check_end(claim)
        return self._settled(claim, self._is_ours(claim), await super().bury(claim, reason))

    def _check_end(self, claim: Claim) -> None:
        if claim.job.id not in self._ended(claim.job.tenant):
            self._violate(ENDED, f"a job of {claim.job.mailbox} is forgotten before its end")

    def _is_ours(self, claim: Claim) -> bool:
        entry = self._entries.get(claim.job.id)
        return entry is not None and entry.token == claim.token

    def _settled(self, claim: Claim, was_ours: bool, is_settled: bool) -> bool:  # noqa: FBT001
        if is_settled and not was_ours:
            self._violate(FENCED, f"a job of {claim.job.mailbox} that another has claimed")
        return is_settled

    def _measure(self, what: str, wait: timedelta, longest: timedelta = LONGEST_WAIT) -> None:
        if not timedelta() <= wait <= longest:
            self._violate(WAITS, f"a {what} waits for {wait.total_seconds():.0f} s")

    # --- A server that forgets ---

    def snapshot(self) -> dict[str, object]:
        clock: dict[int, object] = {id(self._true): self._true}  # of which no copy is made
        held = {name: value for name, value in vars(self).items() if name not in _SHARED}
        return {name: deepcopy(value, clock) for name, value in held.items()}

    def restore(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._arrived.set()


def _release() -> int:
    process = PROCESS.get()
    return process.release if process else 0


@dataclass
class Stores:
    """The queue, which may be lost, and the database, which may not."""

    clock: Clock
    violate: Violate
    seen: Seen = field(default_factory=Seen)
    database: InMemoryDatabase = field(init=False)

    def __post_init__(self) -> None:
        self.database = InMemoryDatabase(self.clock)
        self.blobs = InMemoryBlobStore(self.clock)
        self.queue = WatchedQueue(self.clock, self.seen, self.violate, self._ended)
        self.survey = InMemoryQueueSurvey(self.queue, self.clock)
        self._forget_the_rest()

    def lose_queue(self) -> None:
        """Its server comes back empty."""
        self.queue.forget()
        self._forget_the_rest()

    def _forget_the_rest(self) -> None:
        """What the server holds beside the queue."""
        self.heartbeat = InMemoryQueueHeartbeat()
        self.circuits = InMemoryCircuitStore(self.clock)
        self.locks = InMemoryLocks()
        self.pull_states = InMemoryPullStates()

    async def lose_the_last(self, seconds: float, until: float, *, is_taken_over: bool) -> None:
        """At the moment *until* the queue comes back as it was so many seconds before.

        A server that takes over is told from the one before, since what it lacks may be less than
        what comes between two beats. One that is restored promises to forget nothing, as before.
        """
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, until - seconds - loop.time()))
        state, number = self.queue.snapshot(), self.heartbeat.held
        await asyncio.sleep(until - loop.time())
        self.queue.restore(state)
        self.heartbeat.held, self.heartbeat.is_taken_over = number, is_taken_over

    def outcomes(self, tenant: str) -> Sequence[OutcomeRecord]:
        return self.database.read(tenant).outcomes

    def subscriptions(self, tenant: str) -> set[str]:
        """The ids of those that are stored."""
        rows = self.database.read(tenant).folder_syncs.values()
        found = (row.folder_sync.subscription for row in rows)
        return {subscription.id for subscription in found if subscription}

    def _ended(self, tenant: str) -> set[str]:
        """What is committed, and not what an open ledger block has written."""
        return {record.job.id for record in self.database._tenants[tenant].outcomes}

    def effects(self, tenant: str) -> list[str]:
        """The identity of each comment of each ticket."""
        tickets = self.database.read(tenant).tickets.values()
        return [comment.identity for ticket in tickets for comment in ticket.comments]


class WatchedFolderSyncs(InMemoryFolderSyncs):
    """*moved* is called with each folder sync whose position has just moved."""

    def __init__(self, database: InMemoryDatabase, moved: Callable[[FolderSync], None]) -> None:
        super().__init__(database)
        self._moved = moved
        self._rows = database

    async def move_position(self, folder_sync: FolderSync, position: str, now: datetime) -> bool:
        moved = await super().move_position(folder_sync, position, now)
        if moved:
            tables = self._rows.read(folder_sync.tenant)
            with suppress(KeyError):
                row = tables.folder_syncs[folder_sync.mailbox, folder_sync.folder]
                self._moved(row.folder_sync)
        return moved
