"""How far a server's clock and ours are apart, by the `Date` of its responses.

A server dates its messages by its own clock, and we store moments by ours. A list of mail that
begins at a moment of ours would leave out what came in while the server's clock had not reached it.

Source: RFC 9110 section 6.6.1. A `Date` has whole seconds. One with an `Age` is of a cache.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

TOLERATED = timedelta(minutes=1)
"""So far apart two clocks count as the same."""

Skewed = Callable[[str, timedelta], None]
"""Is called with the host, and how far our clock is ahead of its."""


def ignored(_host: str, _ahead: timedelta) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class ServerSkew:
    """*ahead* is how far our clock is ahead of that of *host*; nothing if that is tolerated."""

    host: str = ""
    skewed: Skewed = ignored
    ahead: timedelta = field(default=timedelta(), init=False)
    is_measured: bool = field(default=False, init=False)

    def measure(self, headers: Mapping[str, str], sent_at: datetime, received_at: datetime) -> None:
        """By a response to what was sent at *sent_at*, and whose end was there at *received_at*."""
        date = None if "Age" in headers else _date_of(headers.get("Date", ""))
        if date is None:
            return
        ahead = max(sent_at - date - timedelta(seconds=1), timedelta())
        ahead = ahead or min(received_at - date, timedelta())
        if abs(ahead) <= TOLERATED:
            ahead = timedelta()
        if abs(ahead - self.ahead) > TOLERATED and ahead:
            self.skewed(self.host, ahead)
        self.ahead, self.is_measured = ahead, True

    def theirs(self, moment: datetime) -> datetime:
        """*moment* by the server's clock."""
        return moment - self.ahead

    def start(self, moment: datetime) -> datetime:
        """Where a list begins that is to have all from *moment* on, though the skew may change."""
        return self.theirs(moment) - TOLERATED if self.ahead else moment

    def ours(self, moment: datetime) -> datetime:
        """What the server calls *moment*, by our clock."""
        return moment + self.ahead


def _date_of(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
