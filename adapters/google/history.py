"""Lists what came into a Gmail mailbox, by history or by date.

https://developers.google.com/workspace/gmail/api/guides/sync
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.errors import NotFound
from postroom.adapters.google.responses import HistoryList, Listing, MessageList, Profile
from postroom.application.ports import HistoryExpired, HistoryPage, MailboxHistory
from postroom.domain.mailbox import Mailbox

PAGE = 500
"""The most that Gmail lists at once."""

INBOUND = ("-in:sent -in:drafts", "in:sent in:inbox")
"""Searches that find what came in: the second finds what someone sent to themselves."""

ListingT = TypeVar("ListingT", bound=Listing)


@dataclass(frozen=True, slots=True)
class GmailHistory(MailboxHistory):
    gmail: GmailClient

    async def since(self, mailbox: Mailbox, history_id: int) -> AsyncIterator[HistoryPage]:
        """`history.list`, all its pages, each message once.

        Every page is given the history id of the first: what comes in while the rest is read may
        or may not be listed, and so is listed again the next time. A mailbox whose history ends
        before *history_id* is another one (deleted and made anew), and knows nothing since.
        """
        query = {
            "startHistoryId": str(history_id),
            "historyTypes": "messageAdded",
            "maxResults": str(PAGE),
        }
        listed: set[str] = set()
        reached = 0
        try:
            async for page in self._pages(mailbox, "history", HistoryList, query):
                reached = reached or page.history_id
                if reached < history_id:
                    raise HistoryExpired
                new = [message_id for message_id in page.inbound if message_id not in listed]
                listed.update(new)
                yield HistoryPage(tuple(dict.fromkeys(new)), reached)
        except NotFound as error:  # the answer to a history id that is too old
            raise HistoryExpired from error

    async def received_after(
        self, mailbox: Mailbox, moment: datetime
    ) -> AsyncIterator[HistoryPage]:
        """`messages.list`: Gmail lists the newest first, so the pages are read before any is given.

        The search has seconds, and its edge is nowhere defined, so it begins a second early.
        """
        reached = (await self.gmail.get(mailbox, "profile", Profile)).history_id
        newest_first: list[str] = []
        for search in INBOUND:
            query = {
                "q": f"after:{int(moment.timestamp()) - 1} {search}",
                "includeSpamTrash": "false",
                "maxResults": str(PAGE),
            }
            async for page in self._pages(mailbox, "messages", MessageList, query):
                newest_first += [message.id for message in page.messages]
        oldest_first = tuple(dict.fromkeys(reversed(newest_first)))
        for start in range(0, max(len(oldest_first), 1), PAGE):
            yield HistoryPage(oldest_first[start : start + PAGE], reached)

    async def _pages(
        self, mailbox: Mailbox, path: str, model: type[ListingT], query: dict[str, str]
    ) -> AsyncIterator[ListingT]:
        page = await self.gmail.get(mailbox, path, model, params=query)
        yield page
        while page.next_page_token:
            query = {**query, "pageToken": page.next_page_token}
            page = await self.gmail.get(mailbox, path, model, params=query)
            yield page
