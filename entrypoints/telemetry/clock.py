"""What is logged of clocks that are wrong."""

from datetime import timedelta

import structlog

TOLERATED = timedelta(minutes=1)

log = structlog.get_logger()


def log_skew(ahead: timedelta) -> None:
    """Warn if the host's clock is more than TOLERATED *ahead* of the database's, or behind it."""
    if abs(ahead) > TOLERATED:
        log.warning("clock skewed", seconds=round(ahead.total_seconds()))


def log_server_skew(host: str, ahead: timedelta) -> None:
    """Warn that our clock is so far *ahead* of that of a provider's *host*."""
    log.warning("clock skewed", source=host, seconds=round(ahead.total_seconds()))
