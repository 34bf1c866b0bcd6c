"""Gmail mailboxes that a test, or a first look around, fills itself."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from postroom.application.ports import HistoryExpired, HistoryPage, MailboxHistory
from postroom.domain.failure import Failure
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class _Arrival:
    history_id: int
    message_id: str
    at: datetime


@dataclass
class _History:
    """*lag* is how many listings still end at *lag_end*; what is before *oldest* is forgotten."""

    history_id: int = 1
    arrivals: list[_Arrival] = field(default_factory=list)
    oldest: int = 0
    lag: int = 0
    lag_end: int = 0


@dataclass
class InMemoryMailboxHistory(MailboxHistory):
    """*page_size* is in messages. Each of *failures* is met by one listing, at its first page."""

    page_size: int = 500
    failures: list[Failure] = field(default_factory=list)
    _histories: defaultdict[tuple[str, str], _History] = field(
        default_factory=lambda: defaultdict(_History), repr=False
    )

    def receive(self, mailbox: Mailbox, message_id: str, at: datetime) -> int:
        """A message comes in; gives the history id that Gmail would announce."""
        history = self._of(mailbox)
        history.history_id += 1
        history.arrivals.append(_Arrival(history.history_id, message_id, at))
        return history.history_id

    def expire(self, mailbox: Mailbox) -> None:
        """Forget the history up to now; the messages stay."""
        self._of(mailbox).oldest = self._of(mailbox).history_id

    def recreate(self, mailbox: Mailbox) -> None:
        """The user is deleted, and made anew: another mailbox under the same address."""
        self._histories[mailbox.tenant, mailbox.id] = _History()

    def delay(self, mailbox: Mailbox, listings: int) -> None:
        """The next *listings* by history do not see what comes in from now on."""
        history = self._of(mailbox)
        history.lag, history.lag_end = listings, history.history_id

    async def since(self, mailbox: Mailbox, history_id: int) -> AsyncIterator[HistoryPage]:
        self._fail()
        history = self._of(mailbox)
        end = history.lag_end if history.lag else history.history_id
        history.lag = max(history.lag - 1, 0)
        if not history.oldest <= history_id <= end:
            raise HistoryExpired
        found = [a.message_id for a in history.arrivals if history_id < a.history_id <= end]
        for page in self._pages(found):
            yield HistoryPage(page, end)

    async def received_after(
        self, mailbox: Mailbox, moment: datetime
    ) -> AsyncIterator[HistoryPage]:
        self._fail()
        history = self._of(mailbox)
        end = history.history_id
        for page in self._pages([a.message_id for a in history.arrivals if a.at >= moment]):
            yield HistoryPage(page, end)

    def _of(self, mailbox: Mailbox) -> _History:
        return self._histories[mailbox.tenant, mailbox.id]

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def _pages(self, message_ids: list[str]) -> list[tuple[str, ...]]:
        """At least one page: it says how far the mailbox is listed."""
        starts = range(0, max(len(message_ids), 1), self.page_size)
        return [tuple(message_ids[start : start + self.page_size]) for start in starts]
