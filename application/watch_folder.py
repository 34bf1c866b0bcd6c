"""Catch up with an IMAP folder: one job for each message that came in since the last time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ingest_pointer import Ingest
from postroom.application.ports import Cursor, Cursors, FolderListing, FolderSession
from postroom.domain.folder_cursor import FolderCursor
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import ImapPointer

OVERLAP = timedelta(days=1)
"""How far a listing by date reaches back beyond the cursor's last move when UIDs became void.

Pointers that were queued just before are void as well, and their messages not handled yet. What is
listed twice is handled once.
"""

CHUNK = 100
"""Pointers queued at a time."""


@dataclass(frozen=True, slots=True)
class CatchUpFolder:
    """The cursor `imap:<folder>` moves only when what it passes is queued, durably.

    A crash before it moves, or a second listener, queues the same jobs again: they have the same
    ids, and a message is handled once anyway.
    """

    cursors: Cursors
    ingest: Ingest

    async def __call__(self, mailbox: Mailbox, folder: str, session: FolderSession) -> int:
        """Queue what is new in *folder*, and return how many messages that were.

        A folder seen for the first time begins at the time when the mailbox was added.
        """
        cursor = await self.cursors.read(mailbox, cursor_name(folder))
        known = FolderCursor.parse(cursor.position) if cursor else None
        if known and known.uid_validity == await session.uid_validity():
            return await self._by_uid(mailbox, folder, known, await session.after(known.uid))
        listing = await session.received_since(_beginning(mailbox, cursor))
        return await self._by_date(mailbox, folder, known, listing)

    async def _by_uid(
        self, mailbox: Mailbox, folder: str, known: FolderCursor, listing: FolderListing
    ) -> int:
        count = 0
        for uids in _chunks(listing.uids):
            await self._queue(mailbox, folder, listing.uid_validity, uids)
            count += len(uids)
            reached = FolderCursor(listing.uid_validity, uids[-1])
            if not await self._advance(mailbox, folder, known, reached):
                break  # another listener is at work: it has queued these, and goes on
            known = reached
        return count

    async def _by_date(
        self, mailbox: Mailbox, folder: str, known: FolderCursor | None, listing: FolderListing
    ) -> int:
        # The cursor moves in one go: half way, it would have the next listing, by UID, pick up
        # messages with an older date that lie among these.
        for uids in _chunks(listing.uids):
            await self._queue(mailbox, folder, listing.uid_validity, uids)
        last = max([listing.uid_next - 1, *listing.uids])
        await self._advance(mailbox, folder, known, FolderCursor(listing.uid_validity, last))
        return len(listing.uids)

    async def _queue(
        self, mailbox: Mailbox, folder: str, uid_validity: int, uids: Sequence[int]
    ) -> None:
        await self.ingest(mailbox, [ImapPointer(folder, uid, uid_validity) for uid in uids])

    async def _advance(
        self, mailbox: Mailbox, folder: str, known: FolderCursor | None, reached: FolderCursor
    ) -> bool:
        before = str(known) if known else None
        return await self.cursors.advance(
            mailbox, cursor_name(folder), before=before, after=str(reached)
        )


def cursor_name(folder: str) -> str:
    return f"imap:{folder}"


def _beginning(mailbox: Mailbox, cursor: Cursor | None) -> datetime:
    """Never before the mailbox was added: older mail is not ours to handle."""
    return max(mailbox.added_at, cursor.moved_at - OVERLAP) if cursor else mailbox.added_at


def _chunks(uids: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return (uids[start : start + CHUNK] for start in range(0, len(uids), CHUNK))
