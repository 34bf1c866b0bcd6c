"""Lists what came into a Gmail mailbox, by history or by date.

https://developers.google.com/workspace/gmail/api/guides/sync. A position is a history id.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from postroom.adapters.google import searches
from postroom.adapters.google.account import FOLDER
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.errors import NotFound, Refused
from postroom.adapters.google.inbound_history import InboundHistory
from postroom.adapters.google.label_lookup import LabelLookup
from postroom.adapters.google.labels import InboundRule
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.responses import HistoryList, Listing, MessageList, Profile
from postroom.application.paging import pages
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangeSource,
    ChangesPage,
    Clock,
    ListBehind,
    NoProgress,
    PositionExpired,
    PositionRefused,
)
from postroom.domain.failure import FolderMissing
from postroom.domain.mailbox import Mailbox

MAX_PAGE_SIZE = 500
"""The most that Gmail lists at once."""

DAY = timedelta(days=1)
"""A window of a list by date, to begin with: Gmail takes in 86,400 messages a day at the most."""

MAX_WINDOW = timedelta(days=30)
"""As wide as a window becomes, where there is little mail."""

HISTORY_TYPES = ("messageAdded", "labelAdded", "labelRemoved")
"""By which a message may come in: see labels.py."""

LISTED_HISTORY_ID = 1
"""The history id of a message that was listed: it came with no notification."""

Query = Mapping[str, str | Sequence[str]]

ListingT = TypeVar("ListingT", bound=Listing)


@dataclass(frozen=True, slots=True)
class GmailChanges(ChangeSource):
    """What of a mailbox is listed, labels.py says. Gmail lists no dates.

    Where a label that is received is missing, the rest is listed, and then FolderMissing is raised.
    """

    gmail: GmailClient
    clock: Clock
    page_size: int = MAX_PAGE_SIZE

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        _require(folder)
        return str((await self.gmail.get(mailbox, "profile", Profile)).history_id)

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        """`history.list`, oldest first, each message once.

        A list that is cut off goes on from the last record of a page. At its end it stands where
        the mailbox stood when the first page was read: what came in while the rest was read may be
        left out. A history that ends before *position* is that of a replica that lags, or of a
        mailbox that was made in place of the one that we knew.
        """
        _require(folder)
        labels = await LabelLookup(self.gmail)(mailbox)
        inbound = InboundHistory(self.gmail, mailbox, labels.rule)
        reached, end = int(position), 0
        async for page in self._history(mailbox, reached):
            end = end or page.history_id
            if end < int(position):
                raise ListBehind
            read = await inbound.read(page)
            reached = max(reached, read.reached)
            is_end = not (page.next_page_token or read.is_cut)
            if is_end:
                reached = max(reached, end)
            is_last = is_end and not labels.is_missing
            yield ChangesPage(_arrivals(mailbox, read.numbers), str(reached), is_last)
            if read.is_cut:
                return
        if labels.is_missing:
            raise FolderMissing(labels.names, what="label")

    def number(self, position: str) -> int:
        return int(position)

    async def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        """`messages.list` by windows of time, the oldest first.

        Gmail lists the newest first, so the pages of a window are read before any is given.
        """
        _require(folder)
        if not self.gmail.skew.is_measured:  # *moment* is by our clock, and a search by Gmail's
            await self.position(mailbox, folder)
        labels = await LabelLookup(self.gmail)(mailbox)
        start: datetime | None = moment
        width = DAY
        while start:
            end = start + width if start + width < self.clock.now() else None
            found = await self._window(mailbox, labels.rule, start, end)
            for page, is_last in pages(found, self.page_size):
                arrivals = _arrivals(mailbox, dict.fromkeys(page, 0))
                yield BackfillPage(arrivals, end if is_last else None)
            width = min(2 * width, MAX_WINDOW) if len(found) < MAX_PAGE_SIZE else DAY
            start = end

    async def _history(self, mailbox: Mailbox, start: int) -> AsyncIterator[HistoryList]:
        query = {"startHistoryId": str(start), "historyTypes": HISTORY_TYPES}
        try:
            async for page in self._listed(mailbox, "history", HistoryList, query):
                yield page
        except NotFound as error:  # what Gmail says of a history id that is too old
            raise PositionExpired from error
        except Refused as refusal:
            raise PositionRefused(refusal.reason) from refusal

    async def _window(
        self, mailbox: Mailbox, rule: InboundRule, start: datetime, end: datetime | None
    ) -> list[str]:
        """What came in from *start* until *end* (None: until now), the oldest first.

        A search has whole seconds, and its edges are nowhere defined: so it reaches a second
        further at both ends.
        """
        skew = self.gmail.skew
        edges = f"after:{int(skew.start(start).timestamp()) - 1}"
        if end:
            edges += f" before:{int(skew.theirs(end).timestamp()) + 1}"
        found = await self._found(mailbox, searches.received(rule, edges))
        left_out = set(await self._found(mailbox, searches.left_out(rule, edges)))
        return [each for each in reversed(found) if each not in left_out]

    async def _found(self, mailbox: Mailbox, queries: Iterable[Query]) -> list[str]:
        """Each message once, the newest of each query first."""
        ids: dict[str, None] = {}
        for query in queries:
            async for page in self._listed(mailbox, "messages", MessageList, query):
                ids.update(dict.fromkeys(message.id for message in page.messages))
        return list(ids)

    async def _listed(
        self, mailbox: Mailbox, path: str, model: type[ListingT], query: Query
    ) -> AsyncIterator[ListingT]:
        query = {**query, "maxResults": str(self.page_size)}
        page = await self.gmail.get(mailbox, path, model, params=query)
        yield page
        while page.next_page_token:
            if page.next_page_token == query.get("pageToken"):
                raise NoProgress("gmail answered with a page that leads to itself")
            query = {**query, "pageToken": page.next_page_token}
            page = await self.gmail.get(mailbox, path, model, params=query)
            yield page


def is_position(text: str) -> bool:
    """Whether *text* is a history id: the mailbox has one history, whoever reads it."""
    return re.fullmatch(r"[1-9][0-9]{0,18}", text) is not None


def _require(folder: str) -> None:
    if folder != FOLDER:
        raise FolderMissing([FOLDER])


def _arrivals(mailbox: Mailbox, numbers: Mapping[str, int]) -> tuple[Arrival, ...]:
    """Of messages by id, with the numbers of their history records (0: they were not in one)."""
    return tuple(
        Arrival(_pointer(mailbox, message_id), number=number)
        for message_id, number in numbers.items()
    )


def _pointer(mailbox: Mailbox, message_id: str) -> GooglePointer:
    return GooglePointer(LISTED_HISTORY_ID, mailbox.address, message_ids=(message_id,))
