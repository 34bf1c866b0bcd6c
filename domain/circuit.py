"""The circuit breaker of a source: what of it has failed lately, and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Circuit:
    """*failed* names the lanes that could not reach the source since *failing_since*.

    *probe_at* is when it may be tried next (None: at any time).
    """

    failed: tuple[str, ...] = ()
    failing_since: datetime | None = None
    probe_at: datetime | None = None
