"""What Gmail's refusals of a watch mean, and what the operator can do about each.

https://developers.google.com/workspace/gmail/api/guides/push. Gmail tries the topic with a message
of its own while it makes the watch: what Pub/Sub says of that comes under Gmail's status.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from postroom.adapters.google.errors import codes_in, failure_of, says
from postroom.application.ports import NotificationsRefused

PUBLISHER = "gmail-api-push@system.gserviceaccount.com"
"""Whom Gmail publishes as."""

NO_PUBLISHER = (
    f"gmail may not publish to the topic: give {PUBLISHER} the role Pub/Sub Publisher on it; where"
    " a policy of the organisation restricts the domains of members, allow it there first"
)
NO_TOPIC = "gmail finds no such topic: create it, or give another with --pubsub-topic"
FOREIGN_TOPIC = (
    "gmail does not take the topic: it must be of the project of the service account (or of the"
    " OAuth client), as projects/<project>/topics/<name>"
)
_ONE_CLIENT = "Only one user push notification client allowed"


class AnotherClient(Exception):
    """Gmail notifies one topic of a developer's, and that is another one."""


def watch_failure_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    unsaid: Callable[[], timedelta],
) -> Exception:
    """The failure that a response to `users.watch` stands for; no reason holds Google's texts."""
    codes = codes_in(body)
    match status:
        case 400 | 403 | 409 if says(body, _ONE_CLIENT):
            return AnotherClient()
        case 403 if "forbidden" in codes:
            return _refused(NO_PUBLISHER, status, codes)
        case 404:
            return _refused(NO_TOPIC, status, codes)
        case 400 if "invalidArgument" in codes:
            return _refused(FOREIGN_TOPIC, status, codes)
        case _:
            return failure_of(status, headers, body, now, unsaid)


def _refused(what: str, status: int, codes: tuple[str, ...]) -> NotificationsRefused:
    answered = " ".join([str(status), *codes[:1]])
    return NotificationsRefused(f"{what} (gmail answered {answered})")
