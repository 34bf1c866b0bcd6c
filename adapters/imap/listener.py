"""Hears of changes in IMAP folders, by IDLE (RFC 2177) or by polling."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from postroom.adapters.imap.account import imap_account
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.connection import Connection, OpenFolder
from postroom.application.ports import ChangeListener, ListenerSession
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class ImapListener(ChangeListener):
    """IDLE is renewed after *renewal*: RFC 2177 demands 29 minutes at most, but many a firewall
    forgets a connection after ten. A server without IDLE is polled every *poll*.
    """

    client: ImapClient
    renewal: timedelta = timedelta(minutes=9)
    poll: timedelta = timedelta(seconds=30)

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[ListenerSession]:
        connection = await self.client.connect(imap_account(mailbox))
        try:
            session = ImapListenerSession(connection, folder, self.renewal, self.poll)
            await session.has_changed()
            yield session
        finally:
            await connection.aclose()


class ImapListenerSession(ListenerSession):
    def __init__(
        self, connection: Connection, folder: str, renewal: timedelta, poll: timedelta
    ) -> None:
        self._connection, self._folder = connection, folder
        self._renewal, self._poll = renewal, poll
        self._changed = connection.protocol.changed
        self._opened: OpenFolder | None = None

    async def changed(self, within: timedelta) -> bool:
        """As the port says, however the server announces it.

        It announces each message once, and that may well be in the response to anything: so this
        listens to all responses. What comes before IDLE is announced when IDLE begins, since the
        server must tell what the session does not know yet (RFC 2177).
        """
        clock = asyncio.get_running_loop().time
        end = clock() + within.total_seconds()
        while True:
            while not self._changed.is_set() and (left := end - clock()) > 0:
                await self._wait(timedelta(seconds=left))
            if await self.has_changed():
                return True
            if clock() >= end:
                return False

    async def has_changed(self) -> bool:
        """Whether the folder, opened anew, is not as it was when it was opened the last time.

        Dovecot lets a session live on in a folder that was replaced, and tells it nothing more.
        """
        before, self._opened = self._opened, await self._connection.examine(self._folder)
        return self._opened != before

    async def _wait(self, within: timedelta) -> None:
        if "IDLE" in self._connection.capabilities:
            await self._connection.idle(min(within, self._renewal))
        else:
            await asyncio.sleep(min(within, self._poll).total_seconds())
            await self._connection.command("NOOP")
