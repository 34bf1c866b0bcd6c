"""What is to happen in a run: all of it is said beforehand, so that it can be shrunk."""

from dataclasses import dataclass, replace
from enum import StrEnum

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

FOR_GOOD = 365 * DAY
"""Seconds that a fault lasts which nobody mends."""

QUIET = 40 * MINUTE
"""How long after the last fault and the last message all must be well."""

CALLING = "calling"
"""The form of a stall that begins in a call of an application."""

LONG_QUIET, LONGEST_QUIET = 3 * HOUR, 3 * DAY
"""The same where a message was at fault itself, for a while or for good: it is tried again ever
less often, over more than a day.
"""


class Kind(StrEnum):
    """What ails a peer, a process, or what is stored."""

    REFUSES = "refuses"  # no connection can be had
    ERRS = "errs"  # answers 5xx
    FLAPS = "flaps"  # refuses nine calls in ten
    HANGS = "hangs"  # answers nothing until whoever asks gives up
    HANGS_FOR_EVER = "hangs for ever"  # a call of it ends only if somebody cuts it off
    SLOW = "slow"
    DRIPS = "drips"  # sends a byte a second
    THROTTLES = "throttles"
    DENIES = "denies"
    LIES = "lies"  # answers 200, and not what was asked for
    CONTENDED = "contended"  # transactions wait for each other for too long
    CRASHES = "crashes"
    RESTARTS = "restarts"
    SKEWED = "skewed"
    UPGRADES = "upgrades"  # its parts start anew, one by one, as a newer release
    LOSES_ALL = "loses all"
    LOSES_THE_LAST = "loses the last"  # seconds of what it was told, since another took over
    RESTORED = "is restored"  # by a person, as it was some minutes before
    FORGETS_POSITIONS = "forgets positions"
    DROPS_SUBSCRIPTIONS = "drops subscriptions"
    REMOVED = "removed"  # a person removes the mailbox
    PAUSED = "paused"  # a person pauses the mailbox, and resumes it
    LAGS = "lags"  # a replica answers that has not seen the last messages
    STALLS = "stalls"  # stops in the midst of work, and then goes on as if nothing had been


AVOIDED = frozenset({Kind.REFUSES, Kind.ERRS, Kind.HANGS, Kind.HANGS_FOR_EVER, Kind.THROTTLES})
"""What is to be left alone while it lasts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """*degree* is in seconds of slowness, of a Retry-After, of skew, of what is lost, and between
    two parts that are upgraded; or in calls before a crash or a stall, or messages that a replica
    lags behind. *form* is that of a Retry-After, or of a lie.
    """

    kind: Kind
    target: str
    begins: float
    lasts: float = 0.0
    degree: float = 0.0
    form: str = ""

    @property
    def ends(self) -> float:
        return self.begins + self.lasts

    @property
    def felt_until(self) -> float:
        """Who was told to wait waits on when it is over; for an hour at the most."""
        waits = {"seconds": min(self.degree, HOUR), "date": min(self.degree, HOUR), "year": HOUR}
        return self.ends + (waits.get(self.form, 0.0) if self.kind is Kind.THROTTLES else 0.0)

    def __str__(self) -> str:
        span = f" for {self.lasts:.0f} s" if self.lasts else ""
        details = [f"{self.degree:.1f}"] * bool(self.degree) + [self.form] * bool(self.form)
        said = f" ({', '.join(details)})" if details else ""
        return f"{self.target} {self.kind} at {self.begins:.0f}{span}{said}"


class Nature(StrEnum):
    """What is the matter with one message, *degree* seconds long from its arrival on."""

    ORDINARY = "ordinary"
    TOO_LARGE = "too large"  # cannot be processed, ever
    POISON = "poison"  # kills the process that fetches it
    LATE = "late"  # 404
    FORBIDDEN = "forbidden"  # 403
    FAILING = "failing"  # 500
    GARBLED = "garbled"  # 200, and no mail
    DELETED = "deleted"  # is there, and is gone after that time


OWN_FAULT = frozenset({Nature.TOO_LARGE, Nature.POISON})
"""Such a message can end in the dead letters alone."""

PASSING = frozenset({Nature.LATE, Nature.FORBIDDEN, Nature.FAILING, Nature.GARBLED})


@dataclass(frozen=True, slots=True)
class Mail:
    """*notices*: the delays of those that are sent (none: all are lost)."""

    number: int
    lane: str
    at: float
    notices: tuple[float, ...] = (0.5,)
    nature: Nature = Nature.ORDINARY
    degree: float = 0.0

    @property
    def is_at_fault(self) -> bool:
        """Whether it may be charged with an attempt."""
        return self.nature not in (Nature.ORDINARY, Nature.LATE, Nature.DELETED)

    @property
    def well_at(self) -> float:
        """From when on it can be read."""
        return self.at + self.degree if self.nature in PASSING else self.at

    def __str__(self) -> str:
        said = "" if self.nature is Nature.ORDINARY else f" ({self.nature}, {self.degree:.0f} s)"
        notices = ", ".join(f"+{delay:.1f}" for delay in self.notices) or "never"
        return f"mail {self.number} of {self.lane} at {self.at:.0f}{said}, announced {notices}"


@dataclass(frozen=True, slots=True)
class Plan:
    """*on_the_wire* says that providers are spoken to by their real adapters.

    *handed_over* says that some mailboxes have applications.
    """

    seed: int
    faults: tuple[Fault, ...] = ()
    mails: tuple[Mail, ...] = ()
    on_the_wire: bool = False
    handed_over: bool = False

    @classmethod
    def of(
        cls,
        *events: Fault | Mail,
        seed: int = 1,
        on_the_wire: bool = False,
        handed_over: bool = False,
    ) -> "Plan":
        """That of a few events, of which the mails are numbered here."""
        faults = tuple(event for event in events if isinstance(event, Fault))
        mails = [event for event in events if isinstance(event, Mail)]
        numbered = tuple(replace(mail, number=number) for number, mail in enumerate(mails))
        return cls(seed, faults, numbered, on_the_wire=on_the_wire, handed_over=handed_over)

    @property
    def calm_at(self) -> float:
        """When the last fault is over, and the last message is there and can be read."""
        ends = [fault.felt_until for fault in self.faults if fault.lasts < FOR_GOOD]
        wells = [mail.well_at for mail in self.mails if mail.degree < FOR_GOOD]
        return max([0.0, *ends, *wells, *(mail.at for mail in self.mails)])

    @property
    def ends(self) -> float:
        if any(mail.is_at_fault and mail.degree >= FOR_GOOD for mail in self.mails):
            return self.calm_at + LONGEST_QUIET
        at_fault = self.handed_over or any(mail.is_at_fault for mail in self.mails)
        return self.calm_at + (LONG_QUIET if at_fault else QUIET)
