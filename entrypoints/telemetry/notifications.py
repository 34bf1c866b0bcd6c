"""What was thought of a notification: counted always, and told where somebody may have to act."""

from enum import StrEnum

import structlog

from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()


class NotificationResult(StrEnum):
    """Why a notification was queued, or why not, or what it asks for."""

    ACCEPTED = "accepted"
    PAUSED = "paused"  # queued, and kept until the mailbox is resumed
    RENEW = "renew"  # a subscription's: noted for the next round, as are the next two
    RECREATE = "recreate"
    SYNC = "sync"
    IGNORED = "ignored"  # of a kind that was not asked for
    MALFORMED = "malformed"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    UNKNOWN_MAILBOX = "unknown_mailbox"
    BAD_SIGNATURE = "bad_signature"
    UNAVAILABLE = "unavailable"  # answered with 503, so that it is sent again


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
