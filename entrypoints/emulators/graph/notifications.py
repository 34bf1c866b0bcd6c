"""Notifications: batches for each application, sent until they are accepted or too old.

Graph tries a batch again with growing waits for four hours, and then drops it. Here the waits are
the test's: `deliver` tries once, and what is not accepted stays to be tried again. Source:
learn.microsoft.com/graph/change-notifications-delivery-webhooks, and for the notifications of the
life cycle learn.microsoft.com/graph/change-notifications-lifecycle-events.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.graph.mailboxes import StoredMessage
from postroom.entrypoints.emulators.graph.subscriptions import Subscription
from postroom.entrypoints.emulators.graph.wire import Json, exchange_id, timestamp

GIVEN_UP_AFTER = timedelta(hours=4)
ANSWER_SECONDS = 10.0


def notification(subscription: Subscription, message: StoredMessage) -> Json:
    """The change notification of *message* for *subscription*, as Graph words it."""
    message_id = message.id_of_kind(immutable=subscription.immutable)
    owner = f"{message.user.id}@{subscription.directory}"
    return _about(subscription) | {
        "id": exchange_id("lsgTZMr9K", subscription.id, message_id)[:13],
        "changeType": "created",
        "resource": f"users/{owner}/messages/{message_id}",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": f"Users/{owner}/Messages/{message_id}",
            "@odata.etag": f'W/"{exchange_id("CQAAAB", message_id)[:40]}"',
            "id": message_id,
        },
    }


def lifecycle_notification(subscription: Subscription, event: str) -> Json:
    """*event* is reauthorizationRequired, subscriptionRemoved or missed."""
    return _about(subscription) | {"lifecycleEvent": event}


def _about(subscription: Subscription) -> Json:
    item: Json = {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": timestamp(subscription.expires_at),
        "tenantId": subscription.directory,
    }
    if subscription.request.clientState is not None:
        item["clientState"] = subscription.request.clientState
    return item


@dataclass
class Batch:
    """*statuses* holds an answer for each try, 0 where there was none."""

    url: str
    items: list[Json]
    made_at: datetime
    statuses: list[int]

    @property
    def accepted(self) -> bool:
        return bool(self.statuses) and 200 <= self.statuses[-1] < 300


class Notifications:
    """*lost* are the subscriptions with notifications that Graph knows it failed to deliver."""

    def __init__(self, clock: Clock, client: httpx.AsyncClient) -> None:
        self.waiting: list[Batch] = []
        self.lost: set[str] = set()
        self._losing = 0
        self._clock = clock
        self._client = client

    def lose(self, number: int) -> None:
        """Deliver the next *number* of notifications to nobody."""
        self._losing += number

    def add(self, pairs: Iterable[tuple[Subscription, StoredMessage]]) -> None:
        """One batch for each URL, whoever's subscriptions they are."""
        items = defaultdict[str, list[Json]](list)
        for subscription, message in pairs:
            if not subscription.paused and not self._is_lost(subscription):
                items[subscription.request.notificationUrl].append(
                    notification(subscription, message)
                )
        self._wait(items)

    def add_lifecycle(self, subscriptions: Iterable[Subscription], event: str) -> None:
        """For those that named a URL for it when they were made."""
        items = defaultdict[str, list[Json]](list)
        for subscription in subscriptions:
            if url := subscription.request.lifecycleNotificationUrl:
                items[url].append(lifecycle_notification(subscription, event))
        self._wait(items)

    async def deliver(self) -> list[Batch]:
        """Try each waiting batch once; gives those that were tried."""
        taken, self.waiting = self.waiting, []
        oldest = self._clock.now() - GIVEN_UP_AFTER
        tried = [batch for batch in taken if batch.made_at > oldest]
        for batch in taken:
            if batch.made_at <= oldest:
                self.lost.update(item["subscriptionId"] for item in batch.items)
        for batch in tried:
            batch.statuses.append(await self._post(batch))
        self.waiting.extend(batch for batch in tried if not batch.accepted)
        return tried

    def _wait(self, items: Mapping[str, list[Json]]) -> None:
        now = self._clock.now()
        self.waiting.extend(Batch(url, batch, now, []) for url, batch in items.items())

    def _is_lost(self, subscription: Subscription) -> bool:
        if not self._losing:
            return False
        self._losing -= 1
        self.lost.add(subscription.id)
        return True

    async def _post(self, batch: Batch) -> int:
        try:
            answer = await self._client.post(
                batch.url, json={"value": batch.items}, timeout=ANSWER_SECONDS
            )
        except httpx.RequestError:
            return 0
        return answer.status_code
