"""Listing what came into a folder, so that a lost notification loses no message."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that lies in a folder, and when the provider took it in, if it lists that.

    *number* is that of the change by which it came in, where the provider numbers all changes of a
    folder in order, as notifications do (`Pointer.changed_to`); else it is 0.
    """

    pointer: Pointer
    received_at: datetime | None = None
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Messages that came in. The next page, or the next list, begins at *position*.

    *is_last* says that the list is complete.
    """

    arrivals: Sequence[Arrival]
    position: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class BackfillPage:
    """Messages of a list by date. All that came in before *reached* is listed by now.

    It is None where that cannot be said yet: within a window that is listed newest first.
    """

    arrivals: Sequence[Arrival]
    reached: datetime | None = None


class PositionExpired(Exception):
    """The provider cannot go on from there: start again, and list by date what may be left out."""


class ListBehind(Exception):
    """The provider's list ends before a position that we had from it.

    It may be a replica that lags; where that stays so, it is another mailbox in place of the one
    that we knew.
    """


class PositionRefused(Unavailable):
    """The provider does not take a stored position, and does not say that it has expired.

    Where that is so twice in a row, it has.
    """


class NoProgress(Unavailable):
    """The provider's list gets nowhere: it leads to itself, or in a circle."""


class ChangeSource(Protocol):
    """Delta query, history, UIDs: a provider's list of what came into a folder of a mailbox.

    Messages may be listed more than once. All methods raise AccessFailed (FolderMissing, if there
    is no such folder), Throttled, Unavailable.
    """

    @abstractmethod
    async def position(self, mailbox: Mailbox, folder: str) -> str:
        """A position from which on all is listed that comes in from now on.

        What is there already may be listed or not.
        """

    @abstractmethod
    def since(self, mailbox: Mailbox, folder: str, position: str) -> AsyncIterator[ChangesPage]:
        """What came in after *position*: one page at least.

        Raises PositionExpired, PositionRefused, ListBehind, NoProgress.
        """

    @abstractmethod
    def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        """What came in from *moment* on: one page at least. Raises NoProgress."""

    def number(self, position: str) -> int:  # noqa: ARG002 - most positions are no numbers
        """The number of the last change before *position*, if changes have numbers; else 0."""
        return 0


class ListenerSession(Protocol):
    """An open connection that hears of changes in one folder, from when it was opened on."""

    @abstractmethod
    async def changed(self, within: timedelta) -> bool:
        """Wait until the folder has changed since the last time; False if it did not *within*.

        Raises Unavailable when the connection is lost.
        """


class ChangeListener(Protocol):
    """Hears of changes by a connection that is held open, such as IDLE (RFC 2177)."""

    @abstractmethod
    def open(self, mailbox: Mailbox, folder: str) -> AbstractAsyncContextManager[ListenerSession]:
        """Raises AccessFailed (FolderMissing), Throttled, Unavailable."""
