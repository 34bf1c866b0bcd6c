"""A job, or a handover, set aside for a person, and how a person says which are meant."""

from dataclasses import dataclass
from datetime import datetime

from postroom.domain.pointer import PointerJob


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """*job* is None where its record cannot be read; the last reason says why.

    *reasons* holds what ended each delivery, with its time, oldest first: also of the time before
    the job was redriven. *attempts* counts those that it was charged with since then, and the last;
    *crashes* counts the deliveries that were never settled, or ended the process that ran it alone.
    No two jobs have the same *died_at*.

    A handover has the name of its *application*, which *may_be_handled* says of whether it may have
    handled the message, and *keep_key_until*: later it may handle it a second time. It is orphaned
    where that application was removed: nobody would call with it.
    """

    id: str
    tenant: str
    mailbox: str
    job: PointerJob | None
    attempts: int
    reasons: tuple[tuple[datetime, str], ...]
    died_at: datetime
    crashes: int = 0
    application: str = ""
    may_be_handled: bool = False
    keep_key_until: datetime | None = None
    is_orphaned: bool = False

    def may_be_doubled(self, now: datetime) -> bool:
        """Whether the application may have forgotten that it has handled it."""
        return self.keep_key_until is not None and now >= self.keep_key_until

    @property
    def reason(self) -> str:
        return self.reasons[-1][1]

    @property
    def provider(self) -> str:
        """Empty where the job's record cannot be read."""
        return self.job.pointer.provider if self.job else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """All that is given must match. *reason* is text that the last reason holds, in any case.

    Handovers that are *held* for a person, as nobody knows how their calls ended, count only then.

    *died_after* is the first moment that counts, *died_before* the first that does not any more.
    """

    tenant: str = ""
    mailbox: str = ""
    provider: str = ""
    reason: str = ""
    died_after: datetime | None = None
    died_before: datetime | None = None
    held: bool = False

    def matches(self, letter: DeadLetter) -> bool:
        return (
            self.tenant in ("", letter.tenant)
            and self.mailbox in ("", letter.mailbox)
            and self.provider in ("", letter.provider)
            and self.reason.casefold() in letter.reason.casefold()
            and (self.died_after is None or self.died_after <= letter.died_at)
            and (self.died_before is None or letter.died_at < self.died_before)
        )


EVERY_LETTER = DeadLetterFilter()
