"""What a provider says of its own accord: that it watches a mailbox from now on."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta

from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.ports import SubscriptionGone
from postroom.domain.mailbox import Mailbox
from postroom.domain.subscription import Subscription
from tests.simulation.arrivals import Notice
from tests.simulation.providers import Reach

RENEW_EVERY = timedelta(minutes=10)
"""Gmail's is a day: longer than a run."""

AFTER = 0.5
SENT_AGAIN = 30.0
"""Seconds after which it is sent, and sent again to those who did not take it."""


class Announcer:
    """Sends notices, one after the other in which they are given, until each is taken."""

    def __init__(self) -> None:
        self._waiting = asyncio.Queue[Notice]()
        self._sending = set[asyncio.Task[None]]()

    def open(self, resources: AsyncExitStack, reach: Reach) -> None:
        task = asyncio.create_task(self._run(reach))
        resources.callback(task.cancel)
        resources.callback(lambda: [each.cancel() for each in self._sending])

    def __call__(self, notice: Notice) -> None:
        self._waiting.put_nowait(notice)

    async def _run(self, reach: Reach) -> None:
        while True:
            sending = asyncio.create_task(self._send(await self._waiting.get(), reach))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _send(self, notice: Notice, reach: Reach) -> None:
        wait, answer = AFTER, None
        while answer is None or not 200 <= answer.status < 300:
            await asyncio.sleep(wait)
            answer, wait = await reach("POST", notice), SENT_AGAIN


@dataclass
class InMemoryWatches(InMemorySubscriptions):
    """As Gmail's: they show no secret, and announce themselves when they are made and renewed."""

    announce: Callable[[Mailbox], None] = field(kw_only=True)

    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        made = await super().create(mailbox, folder)
        self.announce(mailbox)
        return replace(made, secret_digest="", renew_every=RENEW_EVERY, announced=True)

    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        """One that is gone is there again."""
        try:
            renewed = await super().renew(mailbox, subscription)
        except SubscriptionGone:
            made = await self.create(mailbox, mailbox.account.folders[0])
            return replace(made, created_at=subscription.created_at)
        self.announce(mailbox)
        return renewed
