"""Which mail is too old to be new: an import of an archive must not flood anybody.

What was in a folder before its mailbox was added is not inbound: syncs begin at that moment. What
arrives later counts by its provider's date. A message that somebody rescues from the spam folder
is inbound, too: providers delete spam after 30 days, so the date of what can be rescued is younger
than MAX_AGE. A list by date that was asked for, as far back as it goes, is exempt.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_AGE = timedelta(days=30)

TOO_OLD = "older than inbound mail may be"


@dataclass(frozen=True, slots=True)
class InboundAge:
    """*limit* is how long before it arrived here a message may have been received."""

    limit: timedelta = MAX_AGE

    def is_too_old(self, received_at: datetime | None, arrived_at: datetime) -> bool:
        """Whether a message is no news any more; one without a date is taken for new."""
        return received_at is not None and received_at < arrived_at - self.limit

    @property
    def reason(self) -> str:
        return f"{TOO_OLD} ({self.limit.days} days)"
