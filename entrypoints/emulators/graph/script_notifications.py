"""The face for scripts: who subscribes, and what is announced."""

from datetime import timedelta

from postroom.entrypoints.emulators.graph.notifications import Batch, notification
from postroom.entrypoints.emulators.graph.script import Script
from postroom.entrypoints.emulators.graph.subscriptions import SubscriptionRequest
from postroom.entrypoints.emulators.graph.wire import CLIENT_ID, DIRECTORY, Json


class NotificationScript(Script):
    """What has a Batch for a result has tried once to deliver all that waits."""

    async def subscribe(
        self,
        user: str,
        url: str,
        client_state: str,
        *,
        folder: str = "Inbox",
        immutable: bool = True,
        lasts: timedelta = timedelta(days=3),
        lifecycle_url: str | None = None,
    ) -> str:
        """As `POST /subscriptions` does it, handshakes included; gives the subscription's id.

        Raises GraphError.
        """
        request = SubscriptionRequest(
            changeType="created",
            notificationUrl=url,
            resource=f"users/{user}/mailFolders('{folder}')/messages",
            expirationDateTime=self._clock.now() + lasts,
            clientState=client_state,
            lifecycleNotificationUrl=lifecycle_url,
        )
        self._backend.mailboxes.add_user(user)
        made = await self._backend.subscriptions.create(
            request.model_dump_json().encode(),
            directory=DIRECTORY,
            client_id=CLIENT_ID,
            immutable=immutable,
        )
        return made.id

    @property
    def subscriptions(self) -> list[Json]:
        """Those that live, of all applications."""
        return [each.body() for each in self._backend.subscriptions.live()]

    def notification(self, subscription_id: str, message_id: str) -> Json:
        """One item of a notification, to be changed and posted by the test itself."""
        subscription = self._backend.subscriptions.get(subscription_id)
        return notification(subscription, self._backend.mailboxes.by_any_id(message_id))

    async def notify(self, *message_ids: str) -> list[Batch]:
        """Announce messages to every live subscription that covers them, in one batch a URL."""
        messages = [self._backend.mailboxes.by_any_id(each) for each in message_ids]
        self._backend.notifications.add(
            (subscription, message)
            for subscription in self._backend.subscriptions.live()
            for message in messages
            if subscription.covers(message)
        )
        return await self.redeliver()

    async def redeliver(self) -> list[Batch]:
        """Try again what was not accepted."""
        return await self._backend.notifications.deliver()

    async def remove_subscription(
        self, subscription_id: str, *, notify: bool = True
    ) -> list[Batch]:
        """End it on Graph's own account, with a notification of the life cycle or without."""
        subscription = self._backend.subscriptions.get(subscription_id)
        self._backend.subscriptions.delete(subscription_id)
        if notify:
            self._backend.notifications.add_lifecycle([subscription], "subscriptionRemoved")
        return await self.redeliver()

    async def require_reauthorization(
        self, subscription_id: str, *, pause: bool = False
    ) -> list[Batch]:
        """Challenge it; with *pause* all notifications are lost until it is authorised or
        renewed.
        """
        subscription = self._backend.subscriptions.get(subscription_id)
        subscription.paused = pause
        self._backend.notifications.add_lifecycle([subscription], "reauthorizationRequired")
        return await self.redeliver()

    async def report_missed(self) -> list[Batch]:
        """Tell every live subscription that notifications of it were lost, if Graph knows of
        some.
        """
        lost, notifications = self._backend.notifications.lost, self._backend.notifications
        missed = [each for each in self._backend.subscriptions.live() if each.id in lost]
        lost.clear()
        notifications.add_lifecycle(missed, "missed")
        return await self.redeliver()
