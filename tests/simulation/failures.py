"""What the real adapters would raise, where a run has none of them: all in one place."""

from datetime import datetime, timedelta

from postroom.adapters.http.retry_after import retry_after
from postroom.domain.failure import (
    AccessFailed,
    Contended,
    Failure,
    StoreUnavailable,
    Throttled,
    Unavailable,
)
from tests.simulation.mailboxes import AUTHORITIES, STORES
from tests.simulation.plan import Fault, Kind

DEADLINES = {
    "database": 30.0,
    "queue": 2.0,
    "graph": 120.0,
    "gmail": 45.0,
    "mail.acme": 30.0,
    "mail.beta": 30.0,
}
"""Seconds after which an adapter gives a call up."""

LATENCY = {
    "database": 0.003,
    "queue": 0.001,
    "graph": 0.3,
    "gmail": 0.3,
    "mail.acme": 0.2,
    "mail.beta": 0.2,
}
"""Seconds that one way takes on average, where it takes any time."""

DEFAULT_WAIT = timedelta(seconds=10)


def refusal(fault: Fault, now: datetime) -> Failure | None:
    """What a call of its peer is answered at once; None if such a fault is none of the network."""
    match fault.kind:
        case Kind.REFUSES | Kind.ERRS | Kind.FLAPS:
            return _unavailable(fault, f"{fault.target} is away")
        case Kind.THROTTLES:
            return throttled(fault, now)
        case Kind.DENIES:
            return AccessFailed("the mailbox may not be read")
        case Kind.LIES:
            return _unavailable(fault, f"{fault.target} answered something else")
        case _:
            return None


def silent(fault: Fault) -> Failure:
    return _unavailable(fault, f"{fault.target} does not answer")


def _unavailable(fault: Fault, reason: str) -> Failure:
    if fault.target in STORES:
        return StoreUnavailable(reason)
    source = fault.target if fault.target in AUTHORITIES else ""
    reached = fault.kind not in (Kind.REFUSES, Kind.FLAPS)
    return Unavailable(reason, source=source, answered=reached)


def contended() -> Failure:
    return Contended("waited too long for another transaction to end (lock_timeout)")


def no_connection() -> Failure:
    return StoreUnavailable("no database connection in time")


def cut_off() -> Failure:
    return StoreUnavailable("the database has closed the connection")


def throttled(fault: Fault, now: datetime) -> Failure:
    wait = retry_after(header_of(fault, now), now, shortest=timedelta(seconds=1))
    return Throttled("429", retry_after=wait or DEFAULT_WAIT)


def header_of(fault: Fault, now: datetime) -> str | None:
    """The Retry-After of a fault of that form, None if there is none."""
    headers = {
        "date": _http_date(now + timedelta(seconds=fault.degree)),
        "past": _http_date(now - timedelta(hours=1)),
        "year": str(365 * 86400),
        "negative": "-1",
        "words": "soon",
        "none": None,
    }
    return headers.get(fault.form, str(round(fault.degree)))


def _http_date(moment: datetime) -> str:
    return f"{moment:%a, %d %b %Y %H:%M:%S GMT}"


RETRY_AFTERS = ("seconds", "seconds", "date", "past", "year", "negative", "words", "none")
