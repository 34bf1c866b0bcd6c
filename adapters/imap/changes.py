"""Lists what came into an IMAP folder, by UID or by date.

The folder is opened anew, by EXAMINE, for each list: a session knows only of the messages that the
server has told it of, and nothing here may pass one that it does not know. STATUS counts those too.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from postroom.adapters.imap.account import imap_account
from postroom.adapters.imap.connection import Connection
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.imap.position import FolderPosition
from postroom.adapters.imap.responses import FetchData, imap_date
from postroom.application.paging import pages
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangeSource,
    ChangesPage,
    PositionExpired,
)
from postroom.domain.mailbox import Mailbox

PAGE_SIZE = 200
"""Messages of one FETCH: aioimaplib's work grows with the square of the response."""


@dataclass(frozen=True, slots=True)
class ImapChanges(ChangeSource):
    """A position is a `FolderPosition`."""

    connections: ConnectionPool
    page_size: int = PAGE_SIZE

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        return str(await self.connections.use(imap_account(mailbox), partial(_position, folder)))

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        """By UID, ascending. A page is a session of its own, so that none waits for our queue."""
        account, reached = imap_account(mailbox), FolderPosition.parse(position)
        found = await self.connections.use(account, partial(_uids_after, folder, reached))
        for uids, is_last in pages(found, self.page_size):
            arrivals: Sequence[Arrival] = ()
            if uids:
                dated = partial(_dated, folder, reached.uid_validity, uids)
                arrivals = await self.connections.use(account, dated)
                reached = FolderPosition(reached.uid_validity, uids[-1])
            yield ChangesPage(arrivals, str(reached), is_last)

    async def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        """By INTERNALDATE; what has none that can be read is in every such list."""
        search = partial(_received_after, folder, moment, self.page_size)
        found = await self.connections.use(imap_account(mailbox), search)
        for arrivals, _ in pages(found, self.page_size):
            yield BackfillPage(arrivals, _reached(arrivals, moment))


# --- What is done on a connection -----------------------------------------------------------------


async def _position(folder: str, connection: Connection) -> FolderPosition:
    opened = await connection.examine(folder)
    return FolderPosition(opened.uid_validity, opened.uid_next - 1)


async def _uids_after(
    folder: str, position: FolderPosition, connection: Connection
) -> Sequence[int]:
    await _examine_same(folder, position.uid_validity, connection)
    found = await connection.search("UID", f"{position.uid + 1}:*")
    # `n:*` names the last message even where n is beyond it (RFC 3501 section 6.4.8).
    return [uid for uid in found if uid > position.uid]


async def _dated(
    folder: str, uid_validity: int, uids: Sequence[int], connection: Connection
) -> Sequence[Arrival]:
    """All of *uids*, since a server that lags behind may not know them yet."""
    await _examine_same(folder, uid_validity, connection)
    found = await connection.fetch(uids, "INTERNALDATE")
    return [Arrival(ImapPointer(folder, uid, uid_validity), _date(found[uid])) for uid in uids]


async def _examine_same(folder: str, uid_validity: int, connection: Connection) -> None:
    if (await connection.examine(folder)).uid_validity != uid_validity:
        raise PositionExpired


async def _received_after(
    folder: str, moment: datetime, page_size: int, connection: Connection
) -> Sequence[Arrival]:
    """The oldest first, after those without a date."""
    opened = await connection.examine(folder)
    moment = moment.replace(microsecond=0)  # as INTERNALDATE has none
    # SINCE compares days, in the server's own time zone: a day early is early enough anywhere.
    found = await connection.search("SINCE", imap_date((moment - timedelta(days=1)).date()))
    dates: dict[int, datetime | None] = {}
    for uids, _ in pages(found, page_size):
        fetched = await connection.fetch(uids, "INTERNALDATE") if uids else {}
        dates |= {uid: _date(data) for uid, data in fetched.items() if data}
    wanted = [(uid, date) for uid, date in dates.items() if date is None or date >= moment]
    wanted.sort(key=lambda each: each[1] or moment)
    return [Arrival(ImapPointer(folder, uid, opened.uid_validity), date) for uid, date in wanted]


def _date(responses: Sequence[FetchData]) -> datetime | None:
    """None if it cannot be read, which must not have the message passed over."""
    return max((data.received_at for data in responses if data.received_at), default=None)


def _reached(arrivals: Sequence[Arrival], moment: datetime) -> datetime | None:
    """None where a list from there on would be the same again."""
    last = arrivals[-1].received_at if arrivals else None
    return last if last and last > moment else None
