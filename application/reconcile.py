"""Look what came into a folder, and queue what has not been queued or handled yet."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from application.ingest_pointer import Ingest
from application.ports import (
    Arrival,
    ChangesPage,
    Clock,
    Cursors,
    FolderChanges,
    Outcomes,
    PositionExpired,
)
from domain.mailbox import Mailbox
from domain.pointer import job_id
from domain.reception import Found, Reception

MAX_PAGES = 50
"""Of one look, so that a flood in one folder does not keep the others waiting."""

OVERLAP = timedelta(hours=1)
"""A list by date reaches back this much further than the last complete look."""

NOTHING = Found(listed=0, queued=0, unannounced=0, complete=False)


@dataclass(frozen=True, slots=True)
class ReconcileFolder:
    """The cursor `changes:<folder>` moves only when what it passes is queued, durably.

    A crash before it moves lists again, and what is listed twice is queued under the same job id.
    What has ended is left alone, and so is not fetched again.
    """

    changes: FolderChanges
    cursors: Cursors
    outcomes: Outcomes
    ingest: Ingest
    clock: Clock
    max_pages: int = field(default=MAX_PAGES)

    async def __call__(self, mailbox: Mailbox, reception: Reception) -> Found:
        """Raises AccessFailed, Throttled, Unavailable: what was queued before that is queued."""
        name = cursor_name(reception.folder)
        cursor = await self.cursors.read(mailbox, name)
        before = cursor.position if cursor else None
        found, count = NOTHING, 0
        async for page in self._pages(mailbox, reception, before):
            found = _sum(found, await self._queue(mailbox, reception, page.arrivals))
            if page.position and page.position != before:
                if not await self.cursors.advance(
                    mailbox, name, before=before, after=page.position
                ):
                    return found  # another look is at work: it has queued these, and goes on
                before = page.position
            count += 1
            if page.is_last:
                return replace(found, complete=True)
            if count >= self.max_pages:
                reached = page.arrivals[-1].received_at if page.arrivals else None
                return replace(found, reached=None if page.position else reached)
        return found

    async def _pages(
        self, mailbox: Mailbox, reception: Reception, position: str | None
    ) -> AsyncIterator[ChangesPage]:
        folder = reception.folder
        if position and not reception.resync_from:
            try:
                async for page in self.changes.since(mailbox, folder, position):
                    yield page
            except PositionExpired:
                """By date, then, from the last complete look on: so no gap is left."""
            else:
                return
        looked = reception.reconciled_at
        moment = max(mailbox.added_at, looked - OVERLAP) if looked else mailbox.added_at
        async for page in self.changes.received_after(
            mailbox, folder, reception.resync_from or moment
        ):
            yield page

    async def _queue(
        self, mailbox: Mailbox, reception: Reception, arrivals: Sequence[Arrival]
    ) -> Found:
        ids = [job_id(mailbox.tenant, mailbox.id, each.pointer) for each in arrivals]
        ended = await self.outcomes.known(mailbox.tenant, ids) if ids else frozenset()
        waiting = [each for each, id_ in zip(arrivals, ids, strict=True) if id_ not in ended]
        new = frozenset[str]()
        if waiting:
            new = (await self.ingest(mailbox, [each.pointer for each in waiting])).new
        now = self.clock.now()
        late = [
            each
            for each, id_ in zip(arrivals, ids, strict=True)
            if id_ in new and reception.should_have_told(each.received_at, now)
        ]
        return Found(len(arrivals), len(new), len(late), complete=False)


def cursor_name(folder: str) -> str:
    return f"changes:{folder}"


def _sum(one: Found, other: Found) -> Found:
    return Found(
        one.listed + other.listed,
        one.queued + other.queued,
        one.unannounced + other.unannounced,
        complete=False,
    )
