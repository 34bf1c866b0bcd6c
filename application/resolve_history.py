"""Resolve a Gmail notification: one job for each message that came in, and only then move the
cursor.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from postroom.application.ingest_pointer import Ingest
from postroom.application.ports import Cursor, Cursors, HistoryExpired, HistoryPage, MailboxHistory
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Expanded
from postroom.domain.pointer import GooglePointer

CURSOR = "history"
"""The name of the cursor that holds the Gmail history id up to which all has been queued."""

OVERLAP = timedelta(hours=1)
"""A catch-up by date reaches back this much further: what it lists twice is handled once."""

INDEX_LAG = timedelta(seconds=5)
"""How soon to look again when the history does not show yet what the notification announced."""


@dataclass(frozen=True, slots=True)
class ResolveHistory:
    history: MailboxHistory
    cursors: Cursors
    ingest: Ingest

    async def __call__(
        self, mailbox: Mailbox, pointer: GooglePointer, *, traceparent: str = ""
    ) -> Expanded:
        """Fan the notification out. Raises Unavailable (the listing lags), AccessFailed, Throttled.

        The list begins at the stored cursor, never at the notification's own history id, which
        would list nothing (Gmail push guide). A crash before the cursor moves lists again, and
        queues again what is handled once.
        """
        cursor = await self.cursors.read(mailbox, CURSOR)
        before = cursor.position if cursor else None
        reached = int(before or 0)
        count = await self._queue(mailbox, pointer, pointer.message_ids, traceparent)
        async for page in self._pages(mailbox, cursor):
            count += await self._queue(mailbox, pointer, page.message_ids, traceparent)
            reached = page.history_id
        if str(reached) != before:
            # Another worker may have moved it meanwhile: then it has queued its list as well.
            await self.cursors.advance(mailbox, CURSOR, before=before, after=str(reached))
        if reached < pointer.history_id:
            raise Unavailable("the history lags behind the notification", retry_after=INDEX_LAG)
        return Expanded(count)

    async def _pages(self, mailbox: Mailbox, cursor: Cursor | None) -> AsyncIterator[HistoryPage]:
        moment = mailbox.added_at
        if cursor:
            try:
                async for page in self.history.since(mailbox, int(cursor.position)):
                    yield page
            except HistoryExpired:
                moment = cursor.moved_at - OVERLAP  # by date from there on, so that no gap is left
            else:
                return
        async for page in self.history.received_after(mailbox, moment):
            yield page

    async def _queue(
        self,
        mailbox: Mailbox,
        notification: GooglePointer,
        message_ids: Sequence[str],
        traceparent: str,
    ) -> int:
        pointers = [replace(notification, message_ids=(message_id,)) for message_id in message_ids]
        if pointers:
            await self.ingest(mailbox, pointers, traceparent=traceparent)
        return len(pointers)
