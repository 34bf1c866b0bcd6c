"""Watches in memory, as Gmail's are: they show no secret, and announce themselves when made."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.ports import SubscriptionGone
from postroom.domain.mailbox import Mailbox
from postroom.domain.subscription import Subscription


@dataclass
class InMemoryWatches(InMemorySubscriptions):
    """*announce* is called with a mailbox as soon as it is watched, or watched again.

    Only mailboxes are watched that *wanted* says yes to.
    """

    announce: Callable[[Mailbox], None] = field(kw_only=True)
    wanted: Callable[[Mailbox], bool] = field(default=lambda _: True, kw_only=True)
    renew_every: timedelta = field(default=timedelta(days=1), kw_only=True)

    def are_ours(self, mailbox: Mailbox) -> bool:
        return self.wanted(mailbox)

    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        made = await super().create(mailbox, folder)
        self.announce(mailbox)
        return replace(made, secret_digest="", renew_every=self.renew_every, announced=True)

    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        """One that is gone is there again."""
        try:
            renewed = await super().renew(mailbox, subscription)
        except SubscriptionGone:
            made = await self.create(mailbox, mailbox.account.folders[0])
            return replace(made, created_at=subscription.created_at)
        self.announce(mailbox)
        return renewed
