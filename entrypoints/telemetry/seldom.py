"""What repeats itself for as long as an outage lasts is logged once a minute."""

import logging
import time
from dataclasses import dataclass, field

import structlog
from structlog.typing import EventDict, WrappedLogger

EVERY = 60.0
"""Seconds in which a line is shown once."""

REPETITIVE = frozenset({"psycopg.pool"})
"""Libraries: it writes a line for each attempt to connect, of each connection that broke."""

REPEATED = frozenset(
    {
        "enqueue failed",
        "request failed",
        "application.no_fallback",
        "copy.left_out",
        "events dropped",
    }
)
"""Events of our own: every sender meets the outage, and tries again and again."""

_SAME = ("event", "reason", "application", "subscriber")
"""What is the same in lines that are one: what befalls another application is another line."""

MAX_KNOWN = 1000
"""Lines that are remembered. With more of them than that, each is shown again."""


@dataclass(slots=True)
class RateLimit:
    """Admits each line once in EVERY seconds."""

    _due: dict[object, float] = field(default_factory=dict)
    _passed_over: dict[object, int] = field(default_factory=dict)

    def admit(self, line: object) -> int | None:
        """How often *line* was passed over since it was shown, if it is to be shown; else None."""
        now = time.monotonic()
        if now < self._due.get(line, now):
            self._passed_over[line] = self._passed_over.get(line, 0) + 1
            return None
        if len(self._due) >= MAX_KNOWN:
            self._due.clear()
            self._passed_over.clear()
        self._due[line] = now + EVERY
        return self._passed_over.pop(line, 0)


class Seldom(logging.Filter):
    """Lets each line of such a library pass once in a while, whatever its arguments are."""

    def __init__(self) -> None:
        super().__init__()
        self._limit = RateLimit()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name not in REPETITIVE or self._limit.admit(str(record.msg)) is not None


class SeldomEvents:
    """The same for our own events, in structlog: what failed for the same reason is the same.

    The next that is shown says how many were not (`repeated`), whatever they were about.
    """

    def __init__(self) -> None:
        self._limit = RateLimit()

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if event["event"] in REPEATED:
            repeated = self._limit.admit(tuple(event.get(name) for name in _SAME))
            if repeated is None:
                raise structlog.DropEvent
            if repeated:
                event["repeated"] = repeated
        return event
