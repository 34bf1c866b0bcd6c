"""Lines of libraries that repeat themselves for as long as an outage lasts."""

import logging
import time

EVERY = 60.0
"""Seconds in which a line is shown once."""

REPETITIVE = frozenset({"psycopg.pool"})
"""It writes a line for each attempt to connect, of each connection that broke."""


class Seldom(logging.Filter):
    """Lets each line of theirs pass once in a while, whatever its arguments are."""

    def __init__(self) -> None:
        super().__init__()
        self._due: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name not in REPETITIVE:
            return True
        now, line = time.monotonic(), str(record.msg)
        if now < self._due.get(line, now):
            return False
        self._due[line] = now + EVERY
        return True
