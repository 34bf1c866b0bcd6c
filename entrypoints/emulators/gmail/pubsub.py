"""Pub/Sub: what is published to a topic waits in each of its subscriptions, pushed or pulled.

Sources: https://cloud.google.com/pubsub/docs/push and …/authenticate-push-subscriptions.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import httpx

from postroom.adapters.clock import SystemClock
from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.keys import SigningKey, signing_key
from postroom.entrypoints.emulators.gmail.push import ACKNOWLEDGED, envelope, post
from postroom.entrypoints.emulators.gmail.rights import Rights
from postroom.entrypoints.emulators.gmail.subscriptions import (
    Backlog,
    Delivery,
    PubSubMessage,
    PushSubscription,
    Subscription,
)
from postroom.entrypoints.emulators.gmail.topics import GMAIL_PUBLISHER, TOPIC, Topics
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

PUSHED_EVERY = timedelta(milliseconds=100)
MOST_PUSHED = 100
"""At once."""

TOKEN_LIFETIME = timedelta(hours=1)


class PubSub:
    """*pull_seconds* is how long a pull waits for a message; some are answered empty at once."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self.key = signing_key("push 1")
        self.topics = Topics()
        self.pull_seconds = 0.0
        self.backlogs: dict[str, Backlog] = {}
        self.rights = Rights()
        self._client = client
        self._clock = clock
        self._keys = itertools.count(2)
        self._message_ids = itertools.count(2_070_443_601_311_540)
        self._published = asyncio.Event()
        self._to_lose = 0

    # --- Topics and subscriptions ---

    def create_topic(
        self, name: str = TOPIC, *, publishers: Collection[str] = (GMAIL_PUBLISHER,)
    ) -> str:
        return self.topics.create(name, publishers).name

    def subscribe(self, subscription: Subscription) -> Backlog:
        """From now on it is sent what is published. Raises GoogleError if there is no topic."""
        self.topics.get(subscription.topic)
        backlog = Backlog(subscription, self._clock)
        self.backlogs[subscription.name] = backlog
        return backlog

    def unsubscribe(self, name: str) -> None:
        """Delete the subscription with all that waits in it."""
        del self.backlogs[name]

    def backlog(self, name: str) -> Backlog:
        """Raises GoogleError."""
        if (found := self.backlogs.get(name)) and not found.is_over():
            return found
        raise GoogleError(404, message=f"Resource not found (resource={name.rpartition('/')[2]}).")

    def publish(self, topic: str, address: str, history_id: int | str) -> None:
        """Announce that the mailbox has changed up to *history_id*."""
        self.send(topic, _notification(address, history_id))

    def send(self, topic: str, data: bytes) -> PubSubMessage:
        message = self._message(data)
        if self._to_lose:
            self._to_lose -= 1
            return message
        for backlog in self.backlogs.values():
            if backlog.subscription.topic == topic:
                backlog.add(message)
        self._published.set()
        self._published = asyncio.Event()
        return message

    def lose(self, number: int) -> None:
        """Send the next *number* of messages to nobody."""
        self._to_lose = number

    def _message(self, data: bytes) -> PubSubMessage:
        return PubSubMessage(str(next(self._message_ids)), data, self._clock.now())

    async def pull(self, backlog: Backlog, most: int, seconds: float) -> list[Delivery]:
        """Lease what is due, waiting for *seconds* if there is nothing."""
        if (due := backlog.lease(most)) or not seconds:
            return due
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._published.wait()
        return backlog.lease(most)

    # --- Pushes ---

    async def deliver_due(self) -> tuple[int, ...]:
        """Push once what is due in the subscriptions that push; gives the answers.

        It is 0 where there was none. What was refused is due again after its backoff.
        """
        answers: list[int] = []
        for backlog in list(self.backlogs.values()):
            subscription = backlog.subscription
            if isinstance(subscription, PushSubscription) and not backlog.is_over():
                due = backlog.lease(MOST_PUSHED)
                token = self.token(subscription) if due else ""
                pushes = [self._push(backlog, subscription, each, token) for each in due]
                answers += await asyncio.gather(*pushes)
        return tuple(answers)

    async def _push(
        self, backlog: Backlog, subscription: PushSubscription, delivery: Delivery, token: str
    ) -> int:
        attempt = delivery.attempts if subscription.dead_letters else None
        answer = await post(self._client, subscription, delivery.message, token, attempt=attempt)
        if answer in ACKNOWLEDGED:
            backlog.acknowledge([delivery.ack_id])
        else:
            backlog.refuse(delivery)
        return answer

    @asynccontextmanager
    async def pushing(self) -> AsyncIterator[None]:
        """Push what is due by itself, while the block lasts."""
        task = asyncio.create_task(self._keep_pushing())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_pushing(self) -> None:
        while True:
            published = self._published
            await self.deliver_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(PUSHED_EVERY.total_seconds()):
                    await published.wait()

    # --- What pushes are signed with ---

    def rotate_key(self) -> None:
        """Sign with a new key from now on; the old certificate is no longer served."""
        self.key = signing_key(f"push {next(self._keys)}")

    def certificates(self) -> dict[str, str]:
        return {self.key.id: self.key.certificate}

    def token(
        self,
        subscription: PushSubscription,
        claims: Mapping[str, object] | None = None,
        *,
        key: SigningKey | None = None,
    ) -> str:
        """A token as Google signs it, except for *claims*. The verifier's clock is the host's."""
        now = SystemClock().now()
        payload: Json = {
            "aud": subscription.audience or subscription.endpoint,
            "azp": "113774264463038321964",
            "email": subscription.identity,
            "email_verified": True,
            "exp": int((now + TOKEN_LIFETIME).timestamp()),
            "iat": int(now.timestamp()),
            "iss": "https://accounts.google.com",
            "sub": "113774264463038321964",
        }
        return (key or self.key).sign(payload | dict(claims or {}))

    # --- Pushes of a test's own ---

    def envelope(self, subscription: PushSubscription, address: str, history_id: int | str) -> Json:
        """A notification as Pub/Sub wraps it."""
        return envelope(subscription, self._message(_notification(address, history_id)))

    async def deliver(
        self, subscription: PushSubscription, envelope: Json, token: str, attempts: int
    ) -> tuple[int, ...]:
        """Push until it is acknowledged, *attempts* times at the most; gives every status.

        The waits between are left out.
        """
        statuses: list[int] = []
        while len(statuses) < attempts and not ACKNOWLEDGED.intersection(statuses):
            body = dict(envelope)
            if subscription.dead_letters:
                body["deliveryAttempt"] = len(statuses) + 1
            answer = await self._client.post(
                subscription.endpoint, json=body, headers={"Authorization": f"Bearer {token}"}
            )
            statuses.append(answer.status_code)
        return tuple(statuses)


def _notification(address: str, history_id: int | str) -> bytes:
    return json.dumps({"emailAddress": address, "historyId": history_id}).encode()
