"""When a mailbox is suspended: its access fails again and again, over some time.

One failure may be a hiccup, and a worker can meet it in a hundred jobs within a second. So failures
count once in a while, and whatever succeeds starts the count anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURE_WINDOW = timedelta(minutes=5)
"""Failures that follow one that was counted sooner than this are not counted."""

MAX_FAILURES = 3
"""At so many counted failures in a row, the mailbox is suspended: ten minutes at the least."""


@dataclass(frozen=True, slots=True)
class AccessTally:
    """Counted *failures* in a row, and when the last of them was."""

    failures: int = 0
    last_at: datetime | None = None

    def failed(self, now: datetime) -> "AccessTally":
        """The tally after a failure at *now*; the same if that lies too close to the last."""
        if self.last_at and now - self.last_at < FAILURE_WINDOW:
            return self
        return AccessTally(self.failures + 1, now)

    @property
    def is_suspended(self) -> bool:
        return self.failures >= MAX_FAILURES


NO_FAILURES = AccessTally()
