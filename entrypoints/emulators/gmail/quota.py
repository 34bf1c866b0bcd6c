"""Quota: how many units a user may spend in a while, and how a refusal says when to come back.

Source: https://developers.google.com/workspace/gmail/api/guides/handle-errors. Gmail answers by
403 and by 429; the moment stands in the text, as others have logged it, and sometimes in a
header.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.wire import GoogleError, timestamp

TEXT = "text"
HEADER = "header"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """*status* is 403 or 429; *says* is where the moment stands: TEXT, HEADER, or neither."""

    units: int
    per: timedelta = timedelta(seconds=1)
    status: int = 429
    reason: str = "rateLimitExceeded"
    says: str = TEXT

    def refusal(self, now: datetime, free_at: datetime) -> GoogleError:
        message, headers = "User-rate limit exceeded.", {}
        if self.says == TEXT:
            message += f"  Retry after {timestamp(free_at)}"
        if self.says == HEADER:
            headers["Retry-After"] = str(ceil((free_at - now).total_seconds()))
        return GoogleError(self.status, self.reason, message, headers=headers)


class Quota:
    """Without a *limit* nothing is counted. *refused* counts the calls over it."""

    def __init__(self, clock: Clock) -> None:
        self.limit: Limit | None = None
        self.refused = 0
        self._clock = clock
        self._spent: dict[str, tuple[datetime, int]] = {}

    def spend(self, user: str, units: int) -> None:
        """Raises GoogleError; what is refused costs nothing."""
        if self.limit is None:
            return
        now = self._clock.now()
        since, spent = self._spent.get(user, (now, 0))
        if now >= since + self.limit.per:
            since, spent = now, 0
        if spent + units > self.limit.units:
            self.refused += 1
            raise self.limit.refusal(now, since + self.limit.per)
        self._spent[user] = (since, spent + units)
