"""Lists what came into a folder of a Microsoft mailbox: by delta queries, or by date.

A position is a URL of Graph's: of the first page of a first round, of a further page of a round, or
of the round after it. It goes on with the folder that it was given for, whatever becomes of its
name, and with the filter of its first round: a message that is older than that, and is moved in
later, is not listed.

Source: learn.microsoft.com/graph/delta-query-messages and /graph/api/message-delta.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from postroom.adapters.microsoft.account import microsoft_account
from postroom.adapters.microsoft.client import GraphClient, Page
from postroom.adapters.microsoft.errors import Meanings, Refused
from postroom.adapters.microsoft.folders import GraphFolders
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangeSource,
    ChangesPage,
    NoProgress,
    PositionExpired,
    PositionRefused,
)
from postroom.domain.failure import AccessFailed, SourceGone, Unavailable, Unprocessable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import MAX_TEXT

PAGE_SIZE = 100

MAX_PAGES = 10_000
"""Of one list: a server that leads in a circle is left."""

FIRST_ROUND = timedelta(hours=1)
"""How far back a first round goes: our clock and Graph's may differ, and a message may be filed a
while after it was received."""

BEFORE_ADDED = timedelta(minutes=5)
"""How far it goes back at the most before the mailbox was added: mail from then is not wanted."""

_PREFER = f"odata.maxpagesize={PAGE_SIZE}"
_SELECT: Final = {"$select": "id,receivedDateTime"}

_EXPIRED: Meanings = dict.fromkeys(
    (410, "syncstatenotfound", "syncstateinvalid", "resyncrequired"), PositionExpired
)


class _Message(BaseModel):
    id: str = Field(min_length=1, max_length=MAX_TEXT)
    received_at: AwareDatetime | None = Field(alias="receivedDateTime", default=None)


_MESSAGES = TypeAdapter(list[_Message])


@dataclass(frozen=True, slots=True)
class GraphChanges(ChangeSource):
    graph: GraphClient
    max_pages: int = MAX_PAGES

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        """The first request of a round, which is not made yet.

        A round of all would be long, and one by a date lists 5,000 messages at the most. So this
        one begins a short while ago: its end is what matters, and what lies before is left to a
        list by date.
        It lists the newest first, so that it leaves out none that came in after the start while
        there are older ones to leave out.
        """
        path = await self._messages(mailbox, folder)
        start = max(self.graph.clock.now() - FIRST_ROUND, mailbox.added_at - BEFORE_ADDED)
        query = _received(self.graph.skew.start(start)) | {
            "$orderby": "receivedDateTime desc",
            "changeType": "created",
        }
        return self.graph.url(*path, "delta", query=query)

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        if not self.graph.leads_to(position):
            raise PositionExpired("the position is of another Graph")
        try:
            async for page in self._run(mailbox, position, _EXPIRED):
                yield page
        except (Refused, Unprocessable) as refusal:
            raise PositionRefused(refusal.reason) from refusal
        except SourceGone as gone:
            await GraphFolders(self.graph).find(mailbox, folder)
            # There is one all the same: it was made anew.
            raise PositionExpired(gone.reason) from gone

    async def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        path = await self._messages(mailbox, folder)
        try:
            async for page in self._by_date(mailbox, path, moment):
                yield page
        except SourceGone as gone:
            raise AccessFailed(gone.reason) from gone

    async def _messages(self, mailbox: Mailbox, folder: str) -> Sequence[str]:
        found = await GraphFolders(self.graph).find(mailbox, folder)
        return ("users", microsoft_account(mailbox).user, "mailFolders", found.id, "messages")

    async def _run(
        self, mailbox: Mailbox, url: str, meanings: Meanings
    ) -> AsyncIterator[ChangesPage]:
        for _ in range(self.max_pages):
            page = await self.graph.page(mailbox, url, prefer=_PREFER, meanings=meanings)
            _require_progress(page, url)
            if not (url := page.next_link or page.delta_link):
                raise Unavailable("Graph answered with a page that leads nowhere")
            arrivals = self._arrivals(page.value, undated=self.graph.clock.now())
            yield ChangesPage(arrivals, url, is_last=not page.next_link)
            if not page.next_link:
                return
        raise self._endless()

    async def _by_date(
        self, mailbox: Mailbox, path: Sequence[str], moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        """All messages received from *moment* on, oldest first; some come twice.

        Graph's links count messages (`$skip`), and so leave out as many as are deleted meanwhile.
        So the next page is asked for by the date of the last message, if that leads on at all.
        """
        url = self._list(path, moment)
        for _ in range(self.max_pages):
            page = await self.graph.page(mailbox, url)
            _require_progress(page, url)
            arrivals = self._arrivals(page.value)
            reached = arrivals[-1].received_at if arrivals else None
            yield BackfillPage(arrivals, reached)
            if not (url := page.next_link):
                return
            if reached and reached > moment:
                moment = reached
                url = self._list(path, moment)
        raise self._endless()

    def _list(self, path: Sequence[str], moment: datetime) -> str:
        query = {"$orderby": "receivedDateTime", "$top": str(PAGE_SIZE)}
        return self.graph.url(*path, query=_received(self.graph.skew.start(moment)) | query)

    def _arrivals(
        self, items: Sequence[Mapping[str, Any]], undated: datetime | None = None
    ) -> Sequence[Arrival]:
        """The messages in *items*, but for what was deleted or moved away, or is said to be.

        One without a date counts as *undated*; without that it is nonsense.
        """
        try:
            found = _MESSAGES.validate_python([each for each in items if "@removed" not in each])
        except ValidationError:
            raise _nonsense() from None
        return [self._arrival(each, undated) for each in found]

    def _arrival(self, message: _Message, undated: datetime | None) -> Arrival:
        dated = message.received_at and self.graph.skew.ours(message.received_at.astimezone(UTC))
        if (received_at := dated or undated) is None:
            raise _nonsense()
        return Arrival(MicrosoftPointer("", message.id), received_at)

    def _endless(self) -> Unavailable:
        return Unavailable(f"Graph answered with more than {self.max_pages} pages")


def _require_progress(page: Page, url: str) -> None:
    if page.next_link == url:
        raise NoProgress("Graph answered with a page that leads to itself")


def _received(moment: datetime) -> dict[str, str]:
    """From the second of *moment* on: Graph knows no fractions of it."""
    return _SELECT | {"$filter": f"receivedDateTime ge {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def _nonsense() -> Unavailable:
    return Unavailable("Graph answered something else than messages")
