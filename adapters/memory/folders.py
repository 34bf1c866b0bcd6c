import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.application.ports import FolderListing, FolderSession, MailFolders
from postroom.domain.failure import AccessFailed, Failure, Unavailable
from postroom.domain.mailbox import ImapAccount, Mailbox


class InMemoryMailFolders(MailFolders):
    """Folders that their mailbox's account names; a test delivers, rebuilds and breaks."""

    def __init__(self) -> None:
        self._folders: defaultdict[tuple[str, str, str], _Folder] = defaultdict(_Folder)
        self._failures: dict[tuple[str, str], Failure] = {}

    def deliver(
        self,
        mailbox: Mailbox,
        received_at: datetime,
        *,
        folder: str = "INBOX",
        silently: bool = False,
    ) -> int:
        """Put a message into the folder and return its UID; *silently* tells no session of it."""
        found = self._folder(mailbox, folder)
        uid, found.uid_next = found.uid_next, found.uid_next + 1
        found.received_at[uid] = received_at
        if not silently:
            for session in found.sessions:
                session.news.set()
        return uid

    def rebuild(self, mailbox: Mailbox, *, folder: str = "INBOX") -> None:
        """Give the folder another UIDVALIDITY and its messages other UIDs. Sessions are lost."""
        found = self._folder(mailbox, folder)
        found.received_at = dict(enumerate(found.received_at.values(), 1))
        found.uid_next = len(found.received_at) + 1
        found.uid_validity += 1
        _lose(found, Unavailable("the connection was lost"))

    def break_down(self, mailbox: Mailbox, failure: Failure) -> None:
        """From now on every use of the mailbox fails, open sessions included."""
        self._failures[mailbox.tenant, mailbox.id] = failure
        for (tenant, name, _), folder in self._folders.items():
            if (tenant, name) == (mailbox.tenant, mailbox.id):
                _lose(folder, failure)

    def mend(self, mailbox: Mailbox) -> None:
        del self._failures[mailbox.tenant, mailbox.id]

    def sessions(self, mailbox: Mailbox, *, folder: str = "INBOX") -> int:
        """How many sessions are open on the folder."""
        return len(self._folder(mailbox, folder).sessions)

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[FolderSession]:
        if failure := self._failures.get((mailbox.tenant, mailbox.id)):
            raise failure
        if not isinstance(mailbox.account, ImapAccount) or folder not in mailbox.account.folders:
            raise AccessFailed("there is no such folder")
        found = self._folder(mailbox, folder)
        session = _Session(found)
        found.sessions.add(session)
        try:
            yield session
        finally:
            found.sessions.discard(session)

    def _folder(self, mailbox: Mailbox, folder: str) -> "_Folder":
        return self._folders[mailbox.tenant, mailbox.id, folder]


@dataclass(eq=False)
class _Folder:
    uid_validity: int = 1
    uid_next: int = 1
    received_at: dict[int, datetime] = field(default_factory=dict)
    sessions: set["_Session"] = field(default_factory=set)


class _Session(FolderSession):
    """*news* is set as long as there may be messages that were never listed."""

    def __init__(self, folder: _Folder) -> None:
        self._folder = folder
        self.failure: Failure | None = None
        self.news = asyncio.Event()
        self.news.set()

    async def uid_validity(self) -> int:
        return self._found().uid_validity

    async def after(self, uid: int) -> FolderListing:
        return self._list(each for each in self._found().received_at if each > uid)

    async def received_since(self, moment: datetime) -> FolderListing:
        moment = moment.replace(microsecond=0)
        received = self._found().received_at.items()
        return self._list(uid for uid, received_at in received if received_at >= moment)

    async def changed(self, within: timedelta) -> bool:
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self.news.wait()
        except TimeoutError:
            return False
        self._found()
        return True

    def _list(self, uids: Iterable[int]) -> FolderListing:
        self.news.clear()
        return FolderListing(self._folder.uid_validity, self._folder.uid_next, tuple(uids))

    def _found(self) -> _Folder:
        if self.failure:
            raise self.failure
        return self._folder


def _lose(folder: _Folder, failure: Failure) -> None:
    for session in folder.sessions:
        session.failure = failure
        session.news.set()
