"""What Pub/Sub's refusals of a pull mean, and what a person can do: a table.

https://cloud.google.com/pubsub/docs/reference/error-codes
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from postroom.adapters.google.errors import failure_of
from postroom.application.ports import NotificationsRefused
from postroom.domain.failure import Failure, Throttled

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
) -> Failure | NotificationsRefused:
    """What Pub/Sub's response is to be raised as."""
    failure = failure_of(status, headers, body, now, unsaid)
    failure.reason = failure.reason.replace("gmail", "pubsub", 1)
    if status in _REMEDIES and not isinstance(failure, Throttled):
        return NotificationsRefused(f"{_REMEDIES[status]} ({failure.reason})")
    return failure
