"""Folders whose messages a test, or a first look around, puts in itself."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangeSource,
    ChangesPage,
    ListBehind,
    PositionExpired,
    PositionRefused,
)
from postroom.domain.failure import Failure, FolderMissing
from postroom.domain.mailbox import Mailbox


@dataclass
class InMemoryChanges(ChangeSource):
    """The folders that a mailbox's account names, of which the first is meant where none is named.

    *page_size* is in messages. Where they are *numbered*, each has the position after it as its
    number.

    *listed* counts the messages that were listed, so that a test sees what is listed twice, and
    *lists* how many lists from a position were begun.
    """

    page_size: int = 100
    listed: int = 0
    lists: int = 0
    numbered: bool = False
    _folders: defaultdict[tuple[str, str, str], "_Folder"] = field(
        default_factory=lambda: defaultdict(_Folder), repr=False
    )
    _removed: set[tuple[str, str, str]] = field(default_factory=set, repr=False)
    _failures: dict[tuple[str, str], "_Breakdown"] = field(default_factory=dict, repr=False)

    def deliver(self, mailbox: Mailbox, arrival: Arrival, *, folder: str = "") -> None:
        """A message comes in, or is moved in: it may be older than those that came before it."""
        self._folder(mailbox, folder).arrivals.append(arrival)

    def expire(self, mailbox: Mailbox, *, folder: str = "") -> None:
        """Forget every position that was given out so far; the messages stay."""
        self._folder(mailbox, folder).generation += 1

    def refuse_positions(self, mailbox: Mailbox, refusal: PositionRefused) -> None:
        """As `expire`, but nobody says what it is."""
        self.expire(mailbox)
        self._folder(mailbox, "").refusal = refusal

    def rebuild(self, mailbox: Mailbox, arrivals: Sequence[Arrival], *, folder: str = "") -> None:
        """Replace the folder by another one of its name, with these messages in it."""
        self.expire(mailbox, folder=folder)
        self._folder(mailbox, folder).arrivals = list(arrivals)

    def recreate(self, mailbox: Mailbox, *, keep: int, folder: str = "") -> None:
        """Put another folder in its place, whose positions begin low, with as many messages."""
        found = self._folder(mailbox, folder)
        found.arrivals = found.arrivals[:keep]

    def arrivals(self, mailbox: Mailbox, *, folder: str = "") -> Sequence[Arrival]:
        """All that is there."""
        return tuple(self._folder(mailbox, folder).arrivals)

    def end(self, mailbox: Mailbox, *, folder: str = "") -> int:
        """The position, which is a number, after all that is there."""
        found = self._folder(mailbox, folder)
        return int(found.position(len(found.arrivals)))

    def lag(self, mailbox: Mailbox, lists: int = 10**9, *, back: int = 0, folder: str = "") -> None:
        """The next *lists* see nothing that comes in from now on, nor the last *back* messages."""
        found = self._folder(mailbox, folder)
        found.lags, found.lag_end = lists, max(0, len(found.arrivals) - back)

    def catch_up(self, mailbox: Mailbox) -> None:
        """No list lags any more."""
        self.lag(mailbox, 0)

    def listed_before(
        self, mailbox: Mailbox, position: str, *, folder: str = ""
    ) -> Sequence[Arrival]:
        """What no list from *position* on holds; nothing, if that has expired."""
        found = self._folder(mailbox, folder)
        try:
            return tuple(found.arrivals[: found.index(position)])
        except PositionExpired:
            return ()

    def remove_folder(self, mailbox: Mailbox, folder: str) -> None:
        """With its messages; none of that name is there from now on."""
        self._removed.add((mailbox.tenant, mailbox.id, folder))

    def break_down(self, mailbox: Mailbox, failure: Failure, *, after_pages: int = 0) -> None:
        """Have every page of the mailbox fail, as soon as so many more of them were read."""
        self._failures[mailbox.tenant, mailbox.id] = _Breakdown(failure, after_pages)

    def repair(self, mailbox: Mailbox) -> None:
        self._failures.pop((mailbox.tenant, mailbox.id), None)

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        found = self._named(mailbox, folder)
        self._read(mailbox)
        return found.position(found.lag_end if found.lags else len(found.arrivals))

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        found = self._named(mailbox, folder)
        is_last = False
        self.lists += 1
        end_of_all = found.seen()
        while not is_last:
            self._read(mailbox)
            start = found.index(position)
            if start > end_of_all:
                raise ListBehind
            end = min(start + self.page_size, end_of_all)
            position, is_last = found.position(end), end == end_of_all
            yield ChangesPage(self._listed(self._slice(found, start, end)), position, is_last)

    def number(self, position: str) -> int:
        return int(position) if self.numbered else 0

    def _slice(self, found: "_Folder", start: int, end: int) -> list[Arrival]:
        arrivals = found.arrivals[start:end]
        if not self.numbered:
            return arrivals
        numbers = range(start + 1, end + 1)
        return [
            replace(each, number=int(found.position(number)))
            for each, number in zip(arrivals, numbers, strict=True)
        ]

    async def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        """Oldest first; arrivals without a date count as received whenever that is wanted."""
        found = self._named(mailbox, folder)
        chosen = [each for each in found.arrivals if (each.received_at or moment) >= moment]
        chosen.sort(key=lambda each: each.received_at or moment)
        for start in range(0, max(1, len(chosen)), self.page_size):
            self._read(mailbox)
            page = chosen[start : start + self.page_size]
            yield BackfillPage(self._listed(page), page[-1].received_at if page else None)

    def _listed(self, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        self.listed += len(arrivals)
        return tuple(arrivals)

    def _named(self, mailbox: Mailbox, folder: str) -> "_Folder":
        is_removed = (mailbox.tenant, mailbox.id, folder) in self._removed
        if is_removed or folder not in mailbox.account.folders:
            raise FolderMissing
        return self._folder(mailbox, folder)

    def _folder(self, mailbox: Mailbox, folder: str) -> "_Folder":
        name = folder or mailbox.account.folders[0]
        return self._folders[mailbox.tenant, mailbox.id, name]

    def _read(self, mailbox: Mailbox) -> None:
        """Count a page, or fail."""
        if broken := self._failures.get((mailbox.tenant, mailbox.id)):
            if not broken.pages_left:
                raise broken.failure
            broken.pages_left -= 1


_MOST = 10**6
"""Messages that a folder may get between two expiries."""


@dataclass
class _Folder:
    arrivals: list[Arrival] = field(default_factory=list)
    generation: int = 1
    refusal: PositionRefused | None = None
    lags: int = 0
    lag_end: int = 0

    def seen(self) -> int:
        """Up to which message a list goes that begins now."""
        if self.lags:
            self.lags -= 1
            return min(self.lag_end, len(self.arrivals))
        return len(self.arrivals)

    def position(self, index: int) -> str:
        """A number, as a history id is one: a later position is a greater one."""
        return str(self.generation * _MOST + index)

    def index(self, position: str) -> int:
        generation, index = divmod(int(position), _MOST)
        if generation != self.generation:
            raise self.refusal or PositionExpired
        return index


@dataclass
class _Breakdown:
    failure: Failure
    pages_left: int
