"""Look at what came into a folder, and queue what has not been queued or handled yet.

A folder has two cursors, and each moves only when what it passes is queued, durably:

* `changes:<folder>` is the provider's position: what came in after it is listed by every look.
* `backfill:<folder>` is a moment (ISO 8601), or empty: what came in from it on is listed by date,
  once. That is backfill where no position covers it: at the beginning, after one has expired, at a
  resync.

So a look can be cut off anywhere and the next goes on from there. What is listed twice is queued
under the same job id, and what has ended is left alone, and so is not fetched again; unless it was
said to be gone, which it then is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.application.ingest_pointer import Ingest
from postroom.application.ports import (
    Arrival,
    Clock,
    Cursors,
    FolderChanges,
    Outcomes,
    PositionExpired,
)
from postroom.domain.failure import Unavailable
from postroom.domain.folder_sync import FolderSync, Found
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import job_id

MAX_PAGES = 50
"""Of each of the lists of one look, so that a flood in one folder does not keep others waiting."""

SHORT_LIFE = timedelta(minutes=2)
"""A position that expires sooner is last_error: to take another one at once would go on for ever.
"""

OVERLAP = timedelta(hours=1)
"""A list by date reaches back this much further than the last complete look."""


@dataclass(frozen=True, slots=True)
class SyncFolder:
    changes: FolderChanges
    cursors: Cursors
    outcomes: Outcomes
    ingest: Ingest
    clock: Clock
    max_pages: int = field(default=MAX_PAGES)

    async def __call__(self, mailbox: Mailbox, folder_sync: FolderSync) -> Found:
        """One look. Raises AccessFailed, Throttled, Unavailable; what is queued by then stays."""
        cursor = await self.cursors.read(mailbox, changes_cursor(folder_sync.folder))
        position = cursor.position if cursor else None
        if position is None:
            position = await self._start(mailbox, folder_sync, None)
        listed = await self._list_by_date(mailbox, folder_sync)
        if not listed.complete:
            return listed
        try:
            return listed + await self._list_changes(mailbox, folder_sync, position)
        except PositionExpired:
            await self._start(mailbox, folder_sync, position)
            if cursor is None or self.clock.now() < cursor.moved_at + SHORT_LIFE:
                raise Unavailable("a position expired as soon as it was taken") from None
            return listed + Found()  # what is backfill now, the next look lists

    async def _start(self, mailbox: Mailbox, folder_sync: FolderSync, expired: str | None) -> str:
        """A position to go on from; what came in before it, since the last look, is backfill."""
        synced_at, folder = folder_sync.synced_at, folder_sync.folder
        since = max(mailbox.added_at, synced_at - OVERLAP) if synced_at else mailbox.added_at
        await request_backfill(self.cursors, mailbox, folder, since)
        position = await self.changes.start(mailbox, folder)
        await self.cursors.advance(mailbox, changes_cursor(folder), before=expired, after=position)
        return position

    async def _list_by_date(self, mailbox: Mailbox, folder_sync: FolderSync) -> Found:
        """What is backfill, or a part of it."""
        name, folder = backfill_cursor(folder_sync.folder), folder_sync.folder
        cursor = await self.cursors.read(mailbox, name)
        if not (backfill := cursor.position if cursor else ""):
            return Found(complete=True)
        found, pages = Found(), 0
        since = datetime.fromisoformat(backfill)
        async for arrivals in self.changes.received_after(mailbox, folder, since):
            found += await self._queue(mailbox, folder_sync, arrivals)
            reached = arrivals[-1].received_at.isoformat() if arrivals else backfill
            if reached != backfill and not await self._move(mailbox, name, backfill, reached):
                return found
            backfill, pages = reached, pages + 1
            if pages == self.max_pages:
                return found
        if not await self._move(mailbox, name, backfill, ""):
            return found
        return found + Found(complete=True)

    async def _list_changes(
        self, mailbox: Mailbox, folder_sync: FolderSync, position: str
    ) -> Found:
        """What came in after *position*, or the beginning of it. Raises PositionExpired."""
        name, folder = changes_cursor(folder_sync.folder), folder_sync.folder
        found, pages = Found(), 0
        async for page in self.changes.since(mailbox, folder, position):
            found += await self._queue(mailbox, folder_sync, page.arrivals)
            reached = page.position
            if reached != position and not await self._move(mailbox, name, position, reached):
                return found
            position, pages = reached, pages + 1
            if page.is_last:
                return found + Found(complete=True)
            if pages == self.max_pages:
                return found
        return found

    async def _move(self, mailbox: Mailbox, name: str, before: str, after: str) -> bool:
        """False if another look is at work: it has queued what we have, and goes on."""
        return await self.cursors.advance(mailbox, name, before=before, after=after)

    async def _queue(
        self, mailbox: Mailbox, folder_sync: FolderSync, arrivals: Sequence[Arrival]
    ) -> Found:
        by_id = {job_id(mailbox.tenant, mailbox.id, each.pointer): each for each in arrivals}
        ended = await self.outcomes.known(mailbox.tenant, list(by_id)) if by_id else ()
        waiting = [each for id_, each in by_id.items() if id_ not in ended]
        if not waiting:
            return Found(listed=len(by_id))
        ingested = await self.ingest(mailbox, [each.pointer for each in waiting])
        now, new = self.clock.now(), [by_id[id_] for id_ in ingested.new]
        late = sum(folder_sync.should_have_notified(each.received_at, now) for each in new)
        return Found(listed=len(by_id), queued=len(new), missed=late)


async def request_backfill(
    cursors: Cursors, mailbox: Mailbox, folder: str, moment: datetime
) -> None:
    """Have what came in from *moment* on listed by date at the next look, if it is not already."""
    name = backfill_cursor(folder)
    while True:
        cursor = await cursors.read(mailbox, name)
        backfill = cursor.position if cursor else None
        if backfill and datetime.fromisoformat(backfill) <= moment:
            return
        if await cursors.advance(mailbox, name, before=backfill, after=moment.isoformat()):
            return


def changes_cursor(folder: str) -> str:
    return f"changes:{folder}"


def backfill_cursor(folder: str) -> str:
    return f"backfill:{folder}"
