"""What every queue carries here: the pointer that one notification of Microsoft Graph becomes.

All flush the same fields with the same texts, some 700 bytes as JSON: the peers as the one argument
of a job, Postroom as a `PointerJob` (postroom_payload.py: peers in environments of their own have
none of what a provider imports). The number of a job, and when it was handed to the queue, are
written into its trace context, so that nobody carries them on top.
"""

import time
from typing import Any

from postroom.adapters.clock import SystemClock

TENANTS = 17
MAILBOXES = 101

Lane = tuple[str, str]
"""A tenant and one of its mailboxes."""

CLOCK = SystemClock()
SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
MESSAGES = "users/5d1b2f60-43c8-4f0e-9a51-8a7f3cde9b24/messages"
_ID_START = (
    "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AkRVjuXzBOUeT1c_0iuVR2gAAAAABDAAAkRVjuXzBOUeT1c_0iuVR2gAB"
    "hYQDEapmEc2byACqAC-EWg0AkRVjuXzBOUeT1c_0i"
)


def lane_of(number: int) -> Lane:
    """Both counts are prime, so 1,717 lanes take turns."""
    return f"tenant-{number % TENANTS:02}", f"mailbox-{number % MAILBOXES:03}"


def message_id(number: int) -> str:
    """An immutable id as Graph makes them: 150 characters."""
    return f"{_ID_START}{number:016x}="


def traceparent(number: int, stamp: int) -> str:
    return f"00-{stamp:032x}-{number:016x}-01"


def number_in(traceparent: str) -> int:
    return int(traceparent[36:52], 16)


def stamp_in(traceparent: str) -> int:
    return int(traceparent[3:35], 16)


def plain_job(number: int, stamp: int = 0, lane: Lane | None = None) -> dict[str, Any]:
    """The job of that *number*; *stamp* is when it was handed over (see `now`), 0 for not timed."""
    tenant, mailbox = lane or lane_of(number)
    message = message_id(number)
    return {
        "id": f"{number:032x}",
        "tenant": tenant,
        "mailbox": mailbox,
        "pointer": {
            "provider": "microsoft",
            "subscription_id": SUBSCRIPTION,
            "message_id": message,
            "resource": f"{MESSAGES}/{message}",
        },
        "enqueued_at": CLOCK.now().isoformat(),
        "traceparent": traceparent(number, stamp),
    }


def now() -> int:
    """Nanoseconds on a clock that all processes of this machine share."""
    return time.monotonic_ns()
