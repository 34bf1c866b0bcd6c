"""How one attempt at a job ended: a closed set of values, matched exhaustively.

* Completed, Accepted, Duplicate, Skipped, Expanded end a job, and the job is acknowledged.
* Retry costs an attempt, Deferred does not; the job waits, by the queue's clock.
* Dead ends a job in the dead letters, where a person can see and redrive it.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Effect(StrEnum):
    """What became of a message that was processed."""

    TICKET = "ticket"
    COMMENT = "comment"
    HANDED_OVER = "handed over"


@dataclass(frozen=True, slots=True)
class Completed:
    """The message was processed; *reference* names the result there (a ticket number)."""

    effect: Effect
    reference: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is stored for the application of that name, and is handed over from there.

    The end of the handover is recorded for the job as well.
    """

    application: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The message had been processed before; nothing was done again."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """There is deliberately nothing to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expanded:
    """The pointer stood for *count* messages, each of which is now a job of its own."""

    count: int


@dataclass(frozen=True, slots=True)
class Retry:
    after: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """*with_lane* says that the whole lane waits, and the job at its head: both go on together."""

    after: timedelta
    reason: str
    with_lane: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    reason: str


Final = Completed | Accepted | Duplicate | Skipped | Expanded | Dead
Outcome = Final | Retry | Deferred

SOURCE_UNAVAILABLE = "source unavailable"
"""Skipped, since the provider says that the message no longer exists."""


SHADOW = "shadow"
"""Skipped, until somebody releases it: it came in shadow, while another system handles the mail."""


def name_of(outcome: Outcome) -> str:
    """The outcome's one name in logs, metrics, tables and JSON: `completed`, `duplicate`, …"""
    return type(outcome).__name__.lower()
