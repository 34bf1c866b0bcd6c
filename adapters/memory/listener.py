import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from postroom.application.ports import ChangeListener, ListenerSession
from postroom.domain.failure import Failure, FolderMissing, Unavailable
from postroom.domain.mailbox import Mailbox

Key = tuple[str, str, str]


class InMemoryListener(ChangeListener):
    """Hears of changes from a test, which also breaks and counts its sessions."""

    def __init__(self) -> None:
        self._sessions: defaultdict[Key, set[_Session]] = defaultdict(set)
        self._failures: dict[tuple[str, str], Failure] = {}

    def announce(self, mailbox: Mailbox, folder: str = "") -> None:
        """Something has changed in the folder (the first, if none is named)."""
        for session in self._sessions[_key(mailbox, folder)]:
            session.heard.set()

    def sessions(self, mailbox: Mailbox, folder: str = "") -> int:
        """How many are open on the folder."""
        return len(self._sessions[_key(mailbox, folder)])

    def lose_sessions(self, mailbox: Mailbox) -> None:
        """Every connection to the mailbox ends; another can be opened."""
        self._end(mailbox, Unavailable("the connection was lost"))

    def break_down(self, mailbox: Mailbox, failure: Failure) -> None:
        """From now on every use of the mailbox fails, open sessions included."""
        self._failures[mailbox.tenant, mailbox.id] = failure
        self._end(mailbox, failure)

    def repair(self, mailbox: Mailbox) -> None:
        self._failures.pop((mailbox.tenant, mailbox.id), None)

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[ListenerSession]:
        if failure := self._failures.get((mailbox.tenant, mailbox.id)):
            raise failure
        if folder not in mailbox.account.folders:
            raise FolderMissing(mailbox.account.folders)
        session, key = _Session(), _key(mailbox, folder)
        self._sessions[key].add(session)
        try:
            yield session
        finally:
            self._sessions[key].discard(session)

    def _end(self, mailbox: Mailbox, failure: Failure) -> None:
        for (tenant, mailbox_id, _), sessions in self._sessions.items():
            if (tenant, mailbox_id) == (mailbox.tenant, mailbox.id):
                for session in sessions:
                    session.failure = failure
                    session.heard.set()


class _Session(ListenerSession):
    def __init__(self) -> None:
        self.failure: Failure | None = None
        self.heard = asyncio.Event()

    async def changed(self, within: timedelta) -> bool:
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self.heard.wait()
        except TimeoutError:
            return False
        if self.failure:
            raise self.failure
        self.heard.clear()
        return True


def _key(mailbox: Mailbox, folder: str) -> Key:
    return mailbox.tenant, mailbox.id, folder or mailbox.account.folders[0]
