"""Sync a folder: list what came in, and queue what has not been queued or handled yet.

The position of a folder, and what is still to be listed by date, are in its `FolderSync`; each
moves only when what it passes is queued, durably:

* The provider's *position*: what came in after it is listed by every sync.
* The moment *backfill_from*: what came in from it on is listed by date, once. That is due where no
  position covers it: at the beginning, after one has expired, at a resync.

So a sync can be cut off anywhere and the next goes on from there. What is listed twice is queued
under the same job id, and what has ended is left alone, and so is not fetched again; unless it was
said to be gone, which it then is not, or is dead and a person wants that to be tried again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from postroom.application.ingest_pointer import Ingest
from postroom.application.judge_arrivals import judge_arrivals
from postroom.application.ports import (
    Arrival,
    ChangeSource,
    Clock,
    DeadLetterQueue,
    FolderSyncs,
    ListBehind,
    NoProgress,
    OutcomeRecord,
    Outcomes,
    PositionExpired,
    PositionRefused,
)
from postroom.application.providers import Providers
from postroom.application.sync_trail import Trails
from postroom.domain.failure import Unavailable
from postroom.domain.folder_sync import FolderSync
from postroom.domain.inbound_age import InboundAge
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Skipped
from postroom.domain.pointer import PointerJob, job_id
from postroom.domain.queue_loss import FAR_BACK
from postroom.domain.sync_result import SyncResult
from postroom.domain.sync_rules import NOTIFICATION_GRACE

MAX_PAGES = 50
"""Of each of the lists of one sync, so that a flood in one folder does not keep others waiting."""

MAX_TIME = timedelta(seconds=20)
"""After which no further page is read, for the same reason: the next run goes on from there."""

SHORT_LIFE = timedelta(minutes=2)
"""A position that expires sooner is an error: to take another one at once would go on for ever."""

OVERLAP = timedelta(hours=1)
"""A list by date reaches back this much further than the last complete sync."""


@dataclass(frozen=True, slots=True)
class SyncFolder:
    providers: Providers
    folder_syncs: FolderSyncs
    outcomes: Outcomes
    ingest: Ingest
    clock: Clock
    inbound_age: InboundAge
    dead_letters: DeadLetterQueue
    max_pages: int = field(default=MAX_PAGES)
    max_time: timedelta = field(default=MAX_TIME)
    trails: Trails = field(default_factory=Trails, repr=False)

    async def __call__(
        self, mailbox: Mailbox, folder_sync: FolderSync, *, grace: timedelta = NOTIFICATION_GRACE
    ) -> SyncResult:
        """Sync a folder that is claimed; mail that is older than *grace* should be announced.

        Raises AccessFailed, Throttled, Unavailable (NoProgress); what is queued by then stays.
        """
        changes = self.providers.serving(mailbox.provider).changes
        ends = asyncio.get_running_loop().time() + self.max_time.total_seconds()
        run = _Run(self, mailbox, folder_sync, changes, grace, ends)
        try:
            result = await run()
        except NoProgress:
            self.trails.end(run.key)
            raise
        if result.complete:
            self.trails.end(run.key)
        return result


@dataclass(slots=True)
class _Run:
    """One sync. *folder_sync* is as it is stored, but for what others request meanwhile.

    It *ends* soon after that, by the loop's time.
    """

    use_case: SyncFolder
    mailbox: Mailbox
    folder_sync: FolderSync
    changes: ChangeSource
    grace: timedelta
    ends: float

    @property
    def key(self) -> tuple[str, str, str]:
        return self.mailbox.tenant, self.mailbox.id, self.folder_sync.folder

    async def __call__(self) -> SyncResult:
        taken_at = self.folder_sync.position_at
        if not self.folder_sync.position and not await self._begin():
            return SyncResult()
        listed = await self._backfill()
        if not listed.complete:
            return listed
        try:
            return listed + await self._list_changes()
        except ListBehind:
            return await self._behind(listed)
        except PositionRefused as refusal:
            if self.folder_sync.last_error != refusal.reason:
                raise  # once: that may be an accident
        except PositionExpired:
            pass
        except NoProgress:
            # So that the next run takes another, and what lies between is listed by date.
            await self._store_position("")
            raise
        return await self._begin_again(listed, taken_at)

    async def _begin_again(self, listed: SyncResult, taken_at: datetime | None) -> SyncResult:
        self.use_case.trails.end(self.key)
        try:
            is_begun = await self._begin()
        except ListBehind:
            return await self._behind(listed)
        if is_begun and (taken_at is None or self._now() < taken_at + SHORT_LIFE):
            raise Unavailable("a position expired as soon as it was taken")
        return listed + SyncResult()  # what is to be listed by date now, the next run lists

    async def _behind(self, listed: SyncResult) -> SyncResult:
        """Leave all as it is, unless the mailbox is another one: it has a history of its own."""
        if not self.folder_sync.lag.is_of_another(self._now()):
            return listed + SyncResult(behind=True)
        self.use_case.trails.end(self.key)
        await self.use_case.folder_syncs.forget_announced(self.folder_sync)
        self.folder_sync = replace(self.folder_sync, announced_to=0)
        await self._begin()
        return listed + SyncResult()

    async def _begin(self) -> bool:
        """Take a position; what came in before it, since the last sync, is to be listed by date.

        False if that is for the next run to do: the folder is not as it was when it was claimed.
        """
        mailbox, synced_at = self.mailbox, self.folder_sync.synced_at
        since = max(mailbox.added_at, synced_at - OVERLAP) if synced_at else mailbox.added_at
        earlier = self.folder_sync.backfill_from
        if (earlier is None or since < earlier) and not await self._move_backfill(since):
            return False  # else nobody would list what lies between our moment and another's
        position = await self.changes.position(mailbox, self.folder_sync.folder)
        goes_back = self._number(position) < self._number(self.folder_sync.position)
        if goes_back and not self.folder_sync.lag.is_of_another(self._now()):
            raise ListBehind
        return await self._store_position(position)

    def _number(self, position: str) -> int:
        return self.changes.number(position) if position else 0

    async def _backfill(self) -> SyncResult:
        """List by date what is to be listed so, or a part of it."""
        since = self.folder_sync.backfill_from
        if since is None:
            return SyncResult(complete=True)
        result, pages = SyncResult(), 0
        pages_of = self.changes.received_after(self.mailbox, self.folder_sync.folder, since)
        async for page in pages_of:
            result += await self._queue(page.arrivals, backfilled=True)
            if page.reached and not await self._move_backfill(page.reached):
                return result
            self._follow(page.arrivals)
            pages += 1
            if page.reached and self._is_long_enough(pages):
                return result
        if not await self._move_backfill(None):
            return result
        return result + SyncResult(complete=True)

    def _follow(self, arrivals: Sequence[Arrival], position: str = "") -> None:
        """Raises NoProgress."""
        ids = [":".join(map(str, each.pointer.key)) for each in arrivals]
        self.use_case.trails.of(self.key).follow(ids, position)

    def _is_long_enough(self, pages: int) -> bool:
        is_late = asyncio.get_running_loop().time() >= self.ends
        return is_late or pages >= self.use_case.max_pages

    async def _list_changes(self) -> SyncResult:
        """What came in after the position, or the beginning of it. Raises PositionExpired."""
        result, pages = SyncResult(), 0
        folder, position = self.folder_sync.folder, self.folder_sync.position
        async for page in self.changes.since(self.mailbox, folder, position):
            result += await self._queue(page.arrivals)
            if not await self._move_position(page.position):
                return result
            pages += 1
            if page.is_last:
                return result + SyncResult(complete=True, lags=await self._lags(page.position))
            self._follow(page.arrivals, page.position)
            if self._is_long_enough(pages):
                return result
        return result

    async def _lags(self, position: str) -> bool:
        """Whether the list has not come as far as was announced; unless that was an error."""
        if not 0 < self._number(position) < self.folder_sync.announced_to:
            return False
        if self.folder_sync.lag.is_for_good(self._now()):
            await self.use_case.folder_syncs.forget_announced(self.folder_sync)
            return False
        return True

    async def _move_position(self, position: str) -> bool:
        """False if somebody else has claimed the folder by now, and goes on from there."""
        return position == self.folder_sync.position or await self._store_position(position)

    async def _store_position(self, position: str) -> bool:
        now = self._now()
        moved = await self.use_case.folder_syncs.move_position(self.folder_sync, position, now)
        self.folder_sync = replace(self.folder_sync, position=position, position_at=now)
        return moved

    async def _move_backfill(self, after: datetime | None) -> bool:
        """False if somebody else has claimed the folder by now, or wants more to be listed."""
        before = self.folder_sync.backfill_from
        if before == after:
            return True
        moved = await self.use_case.folder_syncs.move_backfill(self.folder_sync, before, after)
        self.folder_sync = replace(self.folder_sync, backfill_from=after)
        return moved

    async def _queue(self, arrivals: Sequence[Arrival], *, backfilled: bool = False) -> SyncResult:
        use_case, mailbox = self.use_case, self.mailbox
        by_id = {job_id(mailbox.tenant, mailbox.id, each.pointer): each for each in arrivals}
        dead_before = self.folder_sync.dead_before if backfilled else None
        ended = await self._ended(list(by_id), dead_before)
        waiting = {id_: each for id_, each in by_id.items() if id_ not in ended}
        too_old = {} if backfilled else await self._skip_old(waiting)
        pointers = [each.pointer for id_, each in waiting.items() if id_ not in too_old]
        listed = SyncResult(listed=len(by_id), too_old=len(too_old))
        if not pointers:
            return listed
        await self._record_reach(backfilled=backfilled)
        redriven = await use_case.dead_letters.redrive(list(waiting)) if dead_before else ()
        ingested = await use_case.ingest(mailbox, pointers, backfilled=backfilled)
        new = [by_id[id_] for id_ in {*redriven, *ingested.new}]
        return listed + judge_arrivals(
            new, self.folder_sync, self._now(), self.grace, backfilled=backfilled
        )

    async def _ended(self, job_ids: Sequence[str], dead_before: datetime | None) -> frozenset[str]:
        if not job_ids:
            return frozenset()
        outcomes, tenant = self.use_case.outcomes, self.mailbox.tenant
        return await outcomes.known(tenant, job_ids, dead_before=dead_before)

    async def _record_reach(self, *, backfilled: bool) -> None:
        """Of a list that reaches far back: the queue may lose what is queued of it."""
        folder_sync, now = self.folder_sync, self._now()
        since = folder_sync.backfill_from if backfilled else folder_sync.synced_at
        since = since or self.mailbox.added_at
        if since < now - FAR_BACK:
            await self.use_case.folder_syncs.record_reach(folder_sync, since, now)

    async def _skip_old(self, arrivals: dict[str, Arrival]) -> dict[str, Arrival]:
        """Those that are too old to be new, once it is recorded what became of them."""
        age, now = self.use_case.inbound_age, self._now()
        old = {id_: each for id_, each in arrivals.items() if age.is_too_old(each.received_at, now)}
        for id_, each in old.items():
            job = PointerJob(
                id=id_,
                tenant=self.mailbox.tenant,
                mailbox=self.mailbox.id,
                pointer=each.pointer,
                enqueued_at=now,
            )
            skipped = OutcomeRecord(job=job, outcome=Skipped(age.reason), attempt=0, at=now)
            await self.use_case.outcomes.record(skipped)
        return old

    def _now(self) -> datetime:
        return self.use_case.clock.now()
