"""The face for scripts: who watches, and what is pushed."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager

from postroom.entrypoints.emulators.gmail.script_mail import MailScript
from postroom.entrypoints.emulators.gmail.subscriptions import PushSubscription
from postroom.entrypoints.emulators.gmail.topics import TOPIC
from postroom.entrypoints.emulators.gmail.watches import Watch
from postroom.entrypoints.emulators.gmail.wire import Json


class NotificationScript(MailScript):
    def watch(self, address: str, topic: str = TOPIC, *, labels: Collection[str] = ()) -> Watch:
        """Watch the mailbox as the topic's project would; gives the watch."""
        mailbox = self.mailbox(address)
        return self._backend.watches.start(
            mailbox.address,
            topic.split("/")[1],
            {"topicName": topic, "labelIds": list(labels)},
            mailbox.labels,
            mailbox.history_id,
        )

    def watches(self, address: str) -> list[Watch]:
        """Those of the mailbox that live."""
        return self._backend.watches.of(self.mailbox(address).address)

    async def deliver_pushes(self) -> tuple[int, ...]:
        """Push once what is due in the subscriptions that push; gives the answers."""
        return await self.pubsub.deliver_due()

    def pushing(self) -> AbstractAsyncContextManager[None]:
        """Push what is due by itself, while the block lasts."""
        return self.pubsub.pushing()

    def end_watches(self, address: str) -> None:
        """Let those of the mailbox run out before their time."""
        self._backend.watches.forget(self.mailbox(address).address)

    def lose_notifications(self, number: int = 1) -> None:
        """The next *number* of those that are published come to nobody."""
        self.pubsub.lose(number)

    async def push(
        self,
        address: str,
        subscription: PushSubscription,
        *,
        history_id: int | str | None = None,
        token: str | None = None,
        attempts: int = 5,
    ) -> tuple[int, ...]:
        """Push a notification that the mailbox has changed up to *history_id* (now); gives the
        answers. Without a watch that lives nothing is pushed.

        What is not acknowledged is pushed again, up to *attempts* times.
        """
        if not self.watches(address):
            return ()
        if history_id is None:
            history_id = self.history_id(address)
        envelope = self.pubsub.envelope(subscription, self.mailbox(address).address, history_id)
        return await self.redeliver(subscription, envelope, token=token, attempts=attempts)

    async def redeliver(
        self,
        subscription: PushSubscription,
        envelope: Json,
        *,
        token: str | None = None,
        attempts: int = 5,
    ) -> tuple[int, ...]:
        """Push *envelope*, perhaps for the second time, as Pub/Sub may even after an ack."""
        token = token or self.pubsub.token(subscription)
        return await self.pubsub.deliver(subscription, envelope, token, attempts)
