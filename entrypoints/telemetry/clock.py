"""What is logged of a host's clock that is wrong."""

from datetime import timedelta

import structlog

TOLERATED = timedelta(minutes=1)

log = structlog.get_logger()


def log_skew(ahead: timedelta) -> None:
    """Warn if the host's clock is more than TOLERATED *ahead* of the database's, or behind it."""
    if abs(ahead) > TOLERATED:
        log.warning("clock skewed", seconds=round(ahead.total_seconds()))
