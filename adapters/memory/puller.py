from collections.abc import Callable, Sequence
from itertools import count

from postroom.application.ports import (
    Announced,
    NotificationPuller,
    NotificationsRefused,
    Pulled,
    Rejected,
    Routes,
)
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.mailbox import Mailbox


class InMemoryPuller(NotificationPuller):
    """*subscription_of* says where a mailbox's notifications wait; there is no waiting for them.

    What is pulled comes again after `redeliver`, unless it was acknowledged. *failures* are raised
    by the next pulls, one each.
    """

    def __init__(self, subscription_of: Callable[[Mailbox], str]) -> None:
        self._subscription_of = subscription_of
        self._receipts = count(1)
        self._waiting: dict[str, list[Announced | Rejected]] = {}
        self._out: dict[str, tuple[str, Announced | Rejected]] = {}
        self.failures: list[Failure | NotificationsRefused] = []
        self.acknowledged: list[Announced | Rejected] = []
        self.pulls: list[Mailbox] = []

    def publish(self, subscription: str, notification: Announced | Rejected) -> None:
        self._waiting.setdefault(subscription, []).append(notification)

    def redeliver(self) -> None:
        for subscription, notification in self._out.values():
            self.publish(subscription, notification)
        self._out.clear()

    def subscription_of(self, mailbox: Mailbox) -> str:
        return self._subscription_of(mailbox)

    async def pull(self, mailbox: Mailbox, routes: Routes) -> Sequence[Pulled]:  # noqa: ARG002 - what waits has its route
        self.pulls.append(mailbox)
        if self.failures:
            raise self.failures.pop(0)
        subscription = self._own(mailbox)
        pulled = []
        for notification in self._waiting.pop(subscription, []):
            receipt = f"receipt-{next(self._receipts)}"
            self._out[receipt] = subscription, notification
            pulled.append(Pulled(receipt, notification))
        return pulled

    async def acknowledge(self, mailbox: Mailbox, receipts: Sequence[str]) -> None:
        self._own(mailbox)
        for receipt in receipts:
            if receipt in self._out:
                self.acknowledged.append(self._out.pop(receipt)[1])

    def _own(self, mailbox: Mailbox) -> str:
        if subscription := self._subscription_of(mailbox):
            return subscription
        raise AccessFailed("the notifications of the mailbox are not pulled")
