"""What was thought of a notice: counted always, and told where somebody may have to act."""

from enum import StrEnum

import structlog

from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()


class Verdict(StrEnum):
    """Why a notice was queued, or why not, or what it asks for."""

    ACCEPTED = "accepted"
    PAUSED = "paused"  # queued, and kept until the mailbox is resumed
    RENEW = "renew"  # a subscription's: noted for the next round, as are the next two
    RECREATE = "recreate"
    RECONCILE = "reconcile"
    IGNORED = "ignored"  # of a kind that was not asked for
    MALFORMED = "malformed"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    UNKNOWN_MAILBOX = "unknown_mailbox"
    BAD_SIGNATURE = "bad_signature"
    UNAVAILABLE = "unavailable"  # answered with 503, so that it is sent again


_TOLD_ELSEWHERE = {Verdict.ACCEPTED, Verdict.UNAVAILABLE}  # by `enqueued`, `enqueue failed`
_NOBODY_NEED_ACT = {
    Verdict.PAUSED,
    Verdict.IGNORED,
    Verdict.RENEW,
    Verdict.RECREATE,
    Verdict.RECONCILE,
}


def note(
    telemetry: Telemetry,
    provider: str,
    verdict: Verdict,
    *,
    count: int = 1,
    **fields: str,
) -> None:
    """Count *count* notices of one verdict. *fields* must be ours, or be checked: see privacy."""
    telemetry.instruments.notices.add(count, {"provider": provider, "verdict": verdict.value})
    if verdict in _TOLD_ELSEWHERE:
        return
    tell = log.info if verdict in _NOBODY_NEED_ACT else log.warning
    tell("notice", provider=provider, verdict=verdict.value, count=count, **fields)
