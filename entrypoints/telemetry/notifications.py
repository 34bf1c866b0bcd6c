"""What came of a notification: counted always, and logged where somebody may have to act."""

import structlog

from postroom.application.ports import NotificationResult
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()

_LOGGED_ELSEWHERE = {
    NotificationResult.ACCEPTED,
    NotificationResult.UNAVAILABLE,
}  # by `enqueued`, `enqueue failed`
_INFORMATION = {
    NotificationResult.PAUSED,
    NotificationResult.IGNORED,
    NotificationResult.RENEW,
    NotificationResult.RECREATE,
    NotificationResult.SYNC,
}


def note(
    telemetry: Telemetry,
    provider: str,
    result: NotificationResult,
    *,
    count: int = 1,
    **fields: str,
) -> None:
    """Count *count* notifications of one result. *fields* must be ours, or be checked: see
    privacy.
    """
    telemetry.instruments.notifications.add(count, {"provider": provider, "result": result.value})
    if result in _LOGGED_ELSEWHERE:
        return
    log_line = log.info if result in _INFORMATION else log.warning
    log_line("notification", provider=provider, result=result.value, count=count, **fields)
