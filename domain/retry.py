"""When to try a message again, and when to give up.

A message is charged only with its own failures (see `domain/blame.py`), and gets so long that a
person can mend what is wrong with it: the default attempts are spread over more than a day.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import random

from postroom.domain.outcome import SOURCE_UNAVAILABLE, Dead, Deferred, Retry, Skipped

YOUNG = timedelta(minutes=5)
"""So old a message must be before its provider is believed that it has gone: replicas lag."""

BELIEVED_AFTER = timedelta(minutes=2)
"""For so long at least a message is asked after that its provider says has gone."""

GONE_BASE = timedelta(seconds=5)

CONTENDED = timedelta(seconds=1)
"""How soon to try again what had to give way in a store of our own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounded attempts, exponential backoff, and never sooner than the peer asks.

    Each wait is *factor* times the one before, up to *ceiling*, and up to a quarter less by chance,
    so that what failed together does not come back together ("Exponential Backoff And Jitter", AWS
    Architecture Blog; not its full jitter, which may draw a day's wait as none). *draw* returns a
    float in [0, 1) and is a parameter so that a test can fix it.
    """

    max_attempts: int = 10
    base: timedelta = timedelta(seconds=5)
    ceiling: timedelta = timedelta(hours=13)
    factor: int = 4
    draw: Callable[[], float] = field(default=random, repr=False)

    def charge(self, reason: str, *, attempt: int, wish: timedelta | None = None) -> Retry | Dead:
        """What is to become of a message that has failed by itself in *attempt*, from 1 on.

        *wish* is how long its provider asked us to wait.
        """
        if attempt >= self.max_attempts:
            return Dead(f"gave up after {attempt} attempts: {reason}")
        return Retry(max(self.backoff(attempt), wish or timedelta()), reason)

    def backoff(self, attempt: int) -> timedelta:
        """How long to wait after *attempt*."""
        # The exponent is capped so that a large attempt cannot overflow timedelta.
        bound: timedelta = min(self.base * self.factor ** min(attempt - 1, 16), self.ceiling)
        return bound * (1 - self.draw() / 4)


def gone(reason: str, *, age: timedelta) -> Deferred | Skipped:
    """What is to become of a message that its provider says has gone, *age* after it was queued.

    A provider answers so for some seconds to a message that it has just announced. It is asked
    again, at no cost, soon at first.
    """
    if age >= YOUNG:
        return Skipped(f"{SOURCE_UNAVAILABLE}: {reason}")
    if age >= YOUNG - BELIEVED_AFTER:
        return Deferred(BELIEVED_AFTER, reason)  # in case this was the first time
    return Deferred(min(max(age, GONE_BASE), BELIEVED_AFTER), reason)
