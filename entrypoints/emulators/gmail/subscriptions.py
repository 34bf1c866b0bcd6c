"""Subscriptions, and the messages that wait in each to be acknowledged.

Rule 1: a message is leased when it is pulled or pushed, and due again when the lease ends.
Rule 2: an ack that comes after that is taken, and changes nothing.
Rule 3: what is refused is due again at once, or after a backoff that doubles.
Rule 4: after seven days a message is forgotten, and after 31 days a subscription that is not
used, unless it never expires.
Source: https://cloud.google.com/pubsub/docs/subscription-properties.
"""

import base64
import itertools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.topics import TOPIC
from postroom.entrypoints.emulators.gmail.wire import PROJECT, GoogleError, Json

RETAINED = timedelta(days=7)
EXPIRES_AFTER = timedelta(days=31)


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One that is pulled. *backoff* is the shortest and the longest wait, in seconds.

    *newest_first* loses the order of the messages, which Pub/Sub does not promise.
    """

    name: str = f"projects/{PROJECT}/subscriptions/gmail"
    topic: str = TOPIC
    ack_seconds: int = 10
    backoff: tuple[float, float] = (0, 0)
    dead_letters: bool = False
    most_attempts: int = 5
    expires: bool = True
    newest_first: bool = False

    def body(self) -> Json:
        body: Json = {
            "name": self.name,
            "topic": self.topic,
            "pushConfig": self.push_config(),
            "ackDeadlineSeconds": self.ack_seconds,
            "messageRetentionDuration": _seconds(RETAINED),
            "expirationPolicy": {"ttl": _seconds(EXPIRES_AFTER)} if self.expires else {},
            "state": "ACTIVE",
        }
        if self.dead_letters:
            body["deadLetterPolicy"] = {
                "deadLetterTopic": f"{self.topic}-dead",
                "maxDeliveryAttempts": self.most_attempts,
            }
        if any(self.backoff):
            shortest, longest = self.backoff
            body["retryPolicy"] = {
                "minimumBackoff": f"{shortest:g}s",
                "maximumBackoff": f"{longest:g}s",
            }
        return body

    def push_config(self) -> Json:
        return {}


@dataclass(frozen=True, kw_only=True)
class PushSubscription(Subscription):
    """*identity* is the service account that signs; *audience* is the endpoint if left empty.

    *unwrapped* pushes the payload alone, and what else there is in headers if *with_metadata*.
    """

    endpoint: str
    identity: str = "pusher@project.iam.gserviceaccount.com"
    audience: str = ""
    backoff: tuple[float, float] = (0.1, 60)
    unwrapped: bool = False
    with_metadata: bool = False

    def push_config(self) -> Json:
        token = {"serviceAccountEmail": self.identity}
        if self.audience:
            token["audience"] = self.audience
        config: Json = {"pushEndpoint": self.endpoint, "oidcToken": token}
        if self.unwrapped:
            return config | {"noWrapper": {"writeMetadata": self.with_metadata}}
        return config | {"attributes": {"x-goog-version": "v1"}}


@dataclass(frozen=True)
class PubSubMessage:
    id: str
    data: bytes
    published_at: datetime


@dataclass
class Delivery:
    message: PubSubMessage
    due_at: datetime
    attempts: int = 0
    ack_id: str = ""


class Backlog:
    """The messages of one subscription; *dead* are those that were refused too often."""

    def __init__(self, subscription: Subscription, clock: Clock) -> None:
        self.subscription = subscription
        self.waiting: list[Delivery] = []
        self.acknowledged: list[Delivery] = []
        self.dead: list[Delivery] = []
        self._clock = clock
        self._used_at = clock.now()
        self._leases: dict[str, Delivery] = {}
        self._serial = itertools.count(1)

    def is_over(self) -> bool:
        """Whether nobody has used the subscription for so long that it was deleted."""
        return self.subscription.expires and self._clock.now() >= self._used_at + EXPIRES_AFTER

    def add(self, message: PubSubMessage) -> None:
        self.waiting.append(Delivery(message, self._clock.now()))

    def lease(self, most: int) -> list[Delivery]:
        """Take what is due, until it is acknowledged or its time is over."""
        self._used_at = now = self._clock.now()
        self.waiting = [each for each in self.waiting if now < each.message.published_at + RETAINED]
        self._bury()
        due = [each for each in self.waiting if each.due_at <= now]
        if self.subscription.newest_first:
            due.reverse()
        for delivery in due[:most]:
            self._lease(delivery)
        return due[:most]

    def acknowledge(self, ack_ids: Collection[str]) -> None:
        """Raises GoogleError if one of *ack_ids* was never given."""
        for delivery in self._leased(ack_ids):
            self.waiting.remove(delivery)
            self.acknowledged.append(delivery)

    def extend(self, ack_ids: Collection[str], seconds: int) -> None:
        """Let leases end in *seconds*; with none of them the messages are refused."""
        for delivery in self._leased(ack_ids):
            if seconds:
                delivery.due_at = self._clock.now() + timedelta(seconds=seconds)
            else:
                self.refuse(delivery)

    def refuse(self, delivery: Delivery) -> None:
        shortest, longest = self.subscription.backoff
        wait = min(shortest * 2 ** (delivery.attempts - 1), longest)
        delivery.ack_id = ""
        delivery.due_at = self._clock.now() + timedelta(seconds=wait)

    def repeat(self) -> None:
        """Make all that was acknowledged due again: Pub/Sub delivers at least once."""
        for delivery in self.acknowledged:
            delivery.ack_id, delivery.due_at = "", self._clock.now()
        self.waiting, self.acknowledged = self.acknowledged + self.waiting, []

    def _lease(self, delivery: Delivery) -> None:
        serial = f"{self.subscription.name}\x1f{next(self._serial)}"
        delivery.ack_id = base64.urlsafe_b64encode(serial.encode()).decode()
        delivery.attempts += 1
        delivery.due_at = self._clock.now() + timedelta(seconds=self.subscription.ack_seconds)
        self._leases[delivery.ack_id] = delivery

    def _leased(self, ack_ids: Collection[str]) -> list[Delivery]:
        for ack_id in ack_ids:
            if ack_id not in self._leases:
                raise GoogleError(
                    400,
                    message=f"You have passed an invalid ack ID to the service (ack_id={ack_id}).",
                )
        found = [(ack_id, self._leases[ack_id]) for ack_id in dict.fromkeys(ack_ids)]
        now = self._clock.now()
        return [each for ack_id, each in found if each.ack_id == ack_id and now < each.due_at]

    def _bury(self) -> None:
        if not self.subscription.dead_letters:
            return
        for delivery in list(self.waiting):
            if delivery.attempts >= self.subscription.most_attempts and not self._is_out(delivery):
                self.waiting.remove(delivery)
                self.dead.append(delivery)

    def _is_out(self, delivery: Delivery) -> bool:
        return bool(delivery.ack_id) and self._clock.now() < delivery.due_at


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f}s"
