"""How long a mailbox is left alone after a quota that does not say: longer each time it is met.

https://developers.google.com/workspace/gmail/api/guides/handle-errors asks for that. As a rule
Gmail does say when, in its text; the quota is one of units a user and a minute.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

FIRST = timedelta(seconds=30)

LONGEST = timedelta(minutes=10)

MailboxKey: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class Pauses:
    _last: dict[MailboxKey, tuple[timedelta, datetime]] = field(default_factory=dict)

    def next(self, mailbox: MailboxKey, now: datetime) -> timedelta:
        """Twice the last one, or *FIRST*; those that meet a quota together get the same."""
        if mailbox not in self._last:
            pause = FIRST
        elif now < self._last[mailbox][1]:
            return self._last[mailbox][0]
        else:
            pause = min(2 * self._last[mailbox][0], LONGEST)
        self._last[mailbox] = pause, now + pause
        return pause

    def end(self, mailbox: MailboxKey) -> None:
        """It was served."""
        self._last.pop(mailbox, None)
