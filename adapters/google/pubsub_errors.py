"""What Pub/Sub's refusals mean, those of a pull above all, and what a person can do: a table.

https://cloud.google.com/pubsub/docs/reference/error-codes
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from postroom.adapters.google.errors import failure_of
from postroom.adapters.google.remedies import remedy
from postroom.application.ports import NotificationsRefused
from postroom.domain.failure import AccessFailed, Failure, Throttled

_REMEDIES: Mapping[int, str] = {
    400: "the Pub/Sub subscription cannot be pulled: make it one without a push endpoint",
    401: "Pub/Sub does not take the service account's token: see whether the account is enabled",
    403: (
        "the service account may not consume the Pub/Sub subscription: give it the role"
        " roles/pubsub.subscriber there"
    ),
    404: "there is no such Pub/Sub subscription: create it, as one that is pulled",
}


def pubsub_failure_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    unsaid: Callable[[], timedelta],
) -> Failure:
    """The failure that Pub/Sub's response stands for."""
    failure = failure_of(status, headers, body, now, unsaid)
    failure.reason = failure.reason.replace("gmail", "pubsub", 1)
    return failure


def pull_failure_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    unsaid: Callable[[], timedelta],
) -> Failure | NotificationsRefused:
    """What the response to a pull is to be raised as."""
    failure = pubsub_failure_of(status, headers, body, now, unsaid)
    if status not in _REMEDIES or isinstance(failure, Throttled):
        return failure
    known = remedy(failure) if isinstance(failure, AccessFailed) else ""
    return NotificationsRefused(f"{known or _REMEDIES[status]} ({failure.reason})")
