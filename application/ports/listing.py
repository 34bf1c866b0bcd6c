"""Listing what came into a mailbox, in the three ways in which providers can."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Ids of messages that came in, oldest first; *history_id* is how far the mailbox is listed."""

    message_ids: tuple[str, ...]
    history_id: int


class HistoryExpired(Exception):
    """The provider no longer knows the history from there on: list by date instead."""


class MailboxHistory(Protocol):
    """Lists what came into a Gmail mailbox: sent mail, drafts, spam and trash are not listed."""

    @abstractmethod
    def since(self, mailbox: Mailbox, history_id: int) -> AsyncIterator[HistoryPage]:
        """Pages of what came in after *history_id*.

        Raises HistoryExpired, AccessFailed, Throttled.
        """

    @abstractmethod
    def received_after(self, mailbox: Mailbox, moment: datetime) -> AsyncIterator[HistoryPage]:
        """Pages of what came in after *moment*. Raises AccessFailed, Throttled.

        Their history id is that of the mailbox before the listing began, so nothing falls between.
        """


@dataclass(frozen=True, slots=True)
class FolderListing:
    """*uids*, ascending, of a folder whose next message will have *uid_next* or more.

    *uid_next* was read before *uids*, so that nothing can fall between two listings.
    """

    uid_validity: int
    uid_next: int
    uids: tuple[int, ...]


class FolderSession(Protocol):
    """An open connection to one IMAP folder. Any method raises Unavailable when it is lost."""

    @abstractmethod
    async def uid_validity(self) -> int:
        """The folder's UIDVALIDITY: where it has changed, all UIDs known are void (RFC 9051)."""

    @abstractmethod
    async def after(self, uid: int) -> FolderListing:
        """Messages with a UID greater than *uid*."""

    @abstractmethod
    async def received_since(self, moment: datetime) -> FolderListing:
        """Messages whose INTERNALDATE is *moment* or later."""

    @abstractmethod
    async def changed(self, within: timedelta) -> bool:
        """Wait (IDLE, RFC 2177) until the folder has news; False if *within* passed without."""


class MailFolders(Protocol):
    """Opens IMAP folders to watch them."""

    @abstractmethod
    def open(self, mailbox: Mailbox, folder: str) -> AbstractAsyncContextManager[FolderSession]:
        """Raises AccessFailed (refused, or no such folder)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that lies in a folder, and when the provider took it in."""

    pointer: Pointer
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Messages that came in. The next page, or the next list, begins at *position*.

    *is_last* says that the list is complete.
    """

    arrivals: Sequence[Arrival]
    position: str
    is_last: bool


class PositionExpired(Exception):
    """The provider cannot go on from there: start anew, and list by date what may be left out."""


class FolderChanges(Protocol):
    """Lists what came into a folder of a mailbox, so that a lost notification loses no message.

    Messages may be listed more than once. All methods raise AccessFailed (also: no such folder),
    Throttled.
    """

    @abstractmethod
    async def start(self, mailbox: Mailbox, folder: str) -> str:
        """A position from which on all is listed that comes in from now on.

        What is there already may be listed or not.
        """

    @abstractmethod
    def since(self, mailbox: Mailbox, folder: str, position: str) -> AsyncIterator[ChangesPage]:
        """What came in after *position*. Raises PositionExpired."""

    @abstractmethod
    def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[Sequence[Arrival]]:
        """Pages of what came in from *moment* on, oldest first: one at least."""
