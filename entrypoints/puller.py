"""Pulls the notifications of mailboxes whose provider cannot reach us.

One task for each subscription claims it, holds it for as long as it pulls, and acknowledges what is
queued, or never will be. So a stand-by needs no election. What a pull fails of is noted where
maintenance sees it: the mailboxes are polled meanwhile (application/unless_unpulled.py).
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import structlog
from structlog.typing import FilteringBoundLogger

from postroom.application.ports import MailboxRegistry
from postroom.application.providers import Providers
from postroom.domain.failure import Failure
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.pulled_subscription import PulledSubscription, Pulling
from postroom.entrypoints.tasks import cancel

Key = tuple[str, str]

log: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """*refresh* is how often the mailboxes are looked up."""

    registry: MailboxRegistry
    providers: Providers
    pulling: Pulling
    refresh: timedelta = timedelta(minutes=1)

    async def run(self, stop: asyncio.Event) -> None:
        """Pull until *stop*. What was pulled and is not acknowledged by then comes again."""
        held: dict[Key, PulledSubscription] = {}
        tasks: dict[Key, asyncio.Task[NoReturn]] = {}
        looking = asyncio.create_task(self._pull_all(held, tasks))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            await cancel([looking, stopping, *tasks.values()])

    async def _pull_all(
        self, held: dict[Key, PulledSubscription], tasks: dict[Key, asyncio.Task[NoReturn]]
    ) -> NoReturn:
        """Start what is to be pulled and stop what is not, whenever the mailboxes change."""
        failing = False
        while True:
            try:
                wanted = await self._wanted()
            except Failure as failure:
                if not failing:
                    log.warning("mailboxes cannot be looked up", reason=failure.reason)
                failing = True
            else:
                failing = False
                await cancel([tasks.pop(key) for key in list(tasks) if key not in wanted])
                for key, mailboxes in wanted.items():
                    if key not in tasks:
                        provider = self.providers[key[0]]
                        held[key] = PulledSubscription(self.pulling, provider, key[1])
                        tasks[key] = asyncio.create_task(held[key].pull_forever())
                    held[key].mailboxes = mailboxes
            await self.pulling.sleep(self.refresh.total_seconds())

    async def _wanted(self) -> Mapping[Key, list[Mailbox]]:
        """The subscriptions to be pulled, by provider and name, with their mailboxes."""
        wanted: defaultdict[Key, list[Mailbox]] = defaultdict(list)
        for mailbox in await self.registry.all():
            provider = self.providers.get(mailbox.provider)
            if provider is None or self.providers.ingress.obstacle(provider.name):
                continue
            if provider.puller and (name := provider.puller.subscription_of(mailbox)):
                wanted[provider.name, name].append(mailbox)
        return wanted
