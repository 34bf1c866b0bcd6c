"""When to try again, and when to give up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import random

from postroom.domain.failure import (
    AccessFailed,
    Failure,
    SourceGone,
    Throttled,
    Unavailable,
    Unprocessable,
)
from postroom.domain.outcome import SOURCE_UNAVAILABLE, Dead, Deferred, Retry, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounded attempts, exponential backoff with full jitter, never sooner than the peer asks.

    Full jitter (a uniform draw between zero and the exponential bound) spreads the retries of
    many messages that failed together; see "Exponential Backoff And Jitter", AWS Architecture
    Blog. *draw* returns a float in [0, 1) and is a parameter so that a test can fix it.
    *access_pause* is how long a job waits whose mailbox cannot be read.
    """

    max_attempts: int = 5
    base: timedelta = timedelta(seconds=10)
    ceiling: timedelta = timedelta(minutes=15)
    access_pause: timedelta = timedelta(minutes=5)
    draw: Callable[[], float] = field(default=random, repr=False)

    def exhausted(self, attempt: int) -> bool:
        """Whether *attempt* (counted from 1) is one too many."""
        return attempt > self.max_attempts

    def decide(self, failure: Failure, *, attempt: int) -> Retry | Deferred | Skipped | Dead:
        """What *failure*, met in *attempt*, means for the job."""
        reason = failure.reason
        match failure:
            case SourceGone():
                return Skipped(f"{SOURCE_UNAVAILABLE}: {reason}")
            case Throttled(retry_after=wish):
                return Deferred(wish, reason)
            case AccessFailed():
                return Deferred(self.access_pause, reason)
            case Unavailable() if self.exhausted(attempt + 1):
                return Dead(f"gave up after {attempt} attempts: {reason}")
            case Unavailable(retry_after=wish):
                return Retry(max(self.backoff(attempt), wish or timedelta()), reason)
            case Unprocessable():
                return Dead(reason)
            case _:
                raise TypeError(f"{type(failure).__name__} has no remedy")

    def backoff(self, attempt: int) -> timedelta:
        """A wait drawn from zero up to base x 2^(attempt-1), or the ceiling if that is less."""
        # The exponent is capped so that a large attempt cannot overflow timedelta.
        bound = min(self.base * (1 << min(attempt - 1, 32)), self.ceiling)
        return bound * self.draw()
