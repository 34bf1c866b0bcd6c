"""When a source is left alone: a circuit breaker over all the mailboxes behind it.

A source is what mail is read from, or signed in to: a provider's host, a mail server, a sign-in
authority. One mailbox that it fails says little (see `domain/blame.py`, its lane waits by itself).
When MIN_MAILBOXES of them have failed, and it has answered nobody since the first did, it is away,
and all who need it wait as one: the circuit is open. Then one call at a time probes it, by
whichever process is first, and the first answer closes the circuit. So five mailboxes that hang
open nothing at a provider that answers others, and ten processes probe it once and not ten times.

A circuit is only a saving of calls. One that is lost is closed, and opens again by itself.

Source: Michael Nygard, "Release It!", 2nd edition, section "Circuit Breaker".
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MIN_MAILBOXES = 3

WINDOW = timedelta(minutes=10)
"""Failures that lie farther apart do not belong together. Mailboxes that fail are tried again
within five minutes, so a source that is away for all has failed several in that time."""

FIRST_PROBE = timedelta(seconds=2)
LONGEST_PROBE = timedelta(minutes=5)

SHARE = 12
"""An outage is probed every twelfth of its length: mail flows again 5 seconds after an outage of a
minute, and 5 minutes after one of an hour or more, for some 300 calls a day."""


def probe_after(away: timedelta, draw: float) -> timedelta:
    """How long to wait for the next probe of what has been *away* for so long.

    Up to a quarter less by *draw*, from [0, 1): what went away together must not come back so.
    """
    wait = min(max(away / SHARE, FIRST_PROBE), LONGEST_PROBE)
    return wait * (1 - draw / 4)


@dataclass(frozen=True, slots=True)
class Circuit:
    """*failed* names the mailboxes that failed, MIN_MAILBOXES at the most.

    The first of them failed at *failing_since*. The next probe may be made at *probe_at*; the
    circuit is closed where that is None.
    """

    failed: tuple[str, ...] = ()
    failing_since: datetime | None = None
    probe_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.probe_at is not None

    def away_for(self, now: datetime) -> timedelta:
        return max(now - self.failing_since, timedelta()) if self.failing_since else timedelta()

    def wait(self, now: datetime) -> timedelta | None:
        """How long to leave the source alone; zero: probe it. None: the circuit is closed."""
        return max(self.probe_at - now, timedelta()) if self.probe_at else None

    def probed(self, now: datetime, draw: float) -> "Circuit":
        """With a probe on its way: the next one is due when this one should have been answered."""
        return replace(self, probe_at=now + probe_after(self.away_for(now), draw))

    def failing(self, mailbox: str, now: datetime, draw: float) -> "Circuit":
        """After the source has failed *mailbox*."""
        if self.is_open:
            return self.probed(now, draw)
        if self.failing_since is None or now - self.failing_since > WINDOW:
            return Circuit((mailbox,), now)
        if mailbox in self.failed:
            return self
        after = replace(self, failed=(*self.failed, mailbox))
        return after.probed(now, draw) if len(after.failed) >= MIN_MAILBOXES else after


CLOSED = Circuit()
"""What it is after an answer."""
