"""Opens IMAP folders to watch them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.connection import Connection
from postroom.adapters.imap.errors import ConnectionLost
from postroom.adapters.imap.responses import FetchData, imap_date
from postroom.application.ports import FolderListing, FolderSession, MailFolders
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import ImapAccount, Mailbox

_CHUNK = 200
"""Messages of one FETCH: aioimaplib's work grows with the square of the response."""


@dataclass(frozen=True, slots=True)
class ImapFolders(MailFolders):
    """IDLE is renewed after *renewal*: RFC 2177 demands 29 minutes at most, but many a firewall
    forgets a connection after ten. A server without IDLE is asked every *poll*.
    """

    client: ImapClient
    renewal: timedelta = timedelta(minutes=9)
    poll: timedelta = timedelta(seconds=30)

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[FolderSession]:
        if not isinstance(mailbox.account, ImapAccount):
            raise AccessFailed(f"a {mailbox.provider} mailbox has no IMAP folders")
        connection = await self.client.connect(mailbox.account)
        try:
            session = ImapFolderSession(connection, folder, self.renewal, self.poll)
            await session.uid_validity()
            yield session
        finally:
            await connection.aclose()


class ImapFolderSession(FolderSession):
    """Knows what the server has said: *uid_next* grows by what was listed, never by STATUS.

    A session sees only the messages that it has been told of, while STATUS counts later ones too:
    these would be passed over for good.
    """

    def __init__(
        self, connection: Connection, folder: str, renewal: timedelta, poll: timedelta
    ) -> None:
        self._connection, self._folder = connection, folder
        self._renewal, self._poll = renewal, poll
        self._changed = connection.protocol.changed
        self._uid_validity = self._uid_next = 0

    async def uid_validity(self) -> int:
        """Opens the folder anew: Dovecot lets a session live on in a folder that was replaced."""
        opened = await self._connection.examine(self._folder)
        self._uid_validity, self._uid_next = opened.uid_validity, opened.uid_next
        return opened.uid_validity

    async def after(self, uid: int) -> FolderListing:
        found = await self._search("UID", f"{uid + 1}:*")
        # `n:*` names the last message even where n is beyond it (RFC 3501 section 6.4.8).
        return self._listing(each for each in found if each > uid)

    async def received_since(self, moment: datetime) -> FolderListing:
        moment = moment.replace(microsecond=0)  # as INTERNALDATE has none
        # SINCE compares days, in the server's own time zone: a day early is early enough anywhere.
        found = await self._search("SINCE", imap_date((moment - timedelta(days=1)).date()))
        recent: list[int] = []
        for start in range(0, len(found), _CHUNK):
            chunk = await self._connection.fetch(found[start : start + _CHUNK], "INTERNALDATE")
            recent += [uid for uid, data in chunk.items() if _is_recent(data, moment)]
        return self._listing(recent)

    async def changed(self, within: timedelta) -> bool:
        """As the port says; counts what came since the last listing, however it was told.

        A server announces each message once, and that may well be in the answer to a search: so
        this listens to all answers. What comes between the listing and IDLE is announced when IDLE
        begins, since the server must tell what the session does not know yet (RFC 2177).
        """
        clock = asyncio.get_running_loop().time
        end = clock() + within.total_seconds()
        while not self._changed.is_set() and (left := end - clock()) > 0:
            await self._wait(timedelta(seconds=left))
        self._check()
        return self._changed.is_set()

    async def _wait(self, within: timedelta) -> None:
        if "IDLE" in self._connection.capabilities:
            await self._connection.idle(min(within, self._renewal))
        else:
            await asyncio.sleep(min(within, self._poll).total_seconds())
            await self._connection.command("NOOP")

    async def _search(self, *criteria: str) -> tuple[int, ...]:
        self._changed.clear()
        return await self._connection.search(*criteria)

    def _listing(self, uids: Iterable[int]) -> FolderListing:
        listing = FolderListing(self._uid_validity, self._uid_next, tuple(uids))
        self._uid_next = max(self._uid_next, *(uid + 1 for uid in listing.uids), 0)
        return listing

    def _check(self) -> None:
        if not self._connection.is_open:
            raise ConnectionLost("the connection to the IMAP server was lost")


def _is_recent(responses: list[FetchData], moment: datetime) -> bool:
    """A message that is there, but whose date cannot be read, must not be passed over."""
    dates = [data.received_at for data in responses if data.received_at]
    return max(dates) >= moment if dates else bool(responses)
