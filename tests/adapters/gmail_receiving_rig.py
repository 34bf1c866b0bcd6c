"""A mailbox at the emulated Gmail that is watched and maintained, and whose pushes come or not."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx

from postroom.adapters.google import provider
from postroom.adapters.google.account import google_account
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import Announced, NotificationsRefused, Provider
from postroom.domain.failure import Failure
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail.subscriptions import Subscription
from tests.adapters.gmail_rig import MAIL, SUPPORT, URL, Rig, gmail_rig
from tests.adapters.routes_rig import RegisteredRoutes
from tests.contracts.gmail_subscriptions_stage import OTHER_TOPIC, TOPIC, with_topic
from tests.threads import sign_ins
from tests.unit.trigger_rig import Maintained

SUBSCRIPTION = "projects/project/subscriptions/gmail"
EVERY = timedelta(minutes=10)


class Receiving(Maintained):
    """*rig* has the emulator. A Pub/Sub subscription of the topic is there from the beginning."""

    def __init__(self, rig: Rig, gmail: Provider, mailbox: Mailbox, clock: ManualClock) -> None:
        super().__init__(gmail, mailbox, clock)
        self.gmail = rig.gmail
        for topic in (TOPIC, OTHER_TOPIC):
            self.gmail.pubsub.create_topic(topic)
        self.backlog = self.gmail.pubsub.subscribe(Subscription(name=SUBSCRIPTION, topic=TOPIC))

    @property
    def lists(self) -> int:
        return self.gmail.calls["history.list"]

    def deliver(self, messages: int = 1) -> list[str]:
        return [self.gmail.deliver(SUPPORT, MAIL) for _ in range(messages)]

    def without_subscription(self) -> None:
        """The mailbox is one that is to be polled."""
        account = replace(
            google_account(self.mailbox),
            pubsub_subscription="",
            push_service_account="",
            pubsub_topic="",
        )
        self.mailbox = replace(self.mailbox, account=account)

    async def add(self) -> None:
        """Add the mailbox, and do all that is due at once."""
        await self.registry.add(self.mailbox)
        while await self.maintain_due():
            pass

    async def handle_pushes(self, *, every_time: int = 1) -> int:
        """Have a worker handle what is pushed, each so often; returns how many messages that is."""
        deliveries = self.backlog.lease(most=1000)
        for delivery in deliveries:
            change = json.loads(delivery.message.data)
            pointer = GooglePointer(int(change["historyId"]), change["emailAddress"])
            for _ in range(every_time):
                await self.trigger(self.mailbox, pointer)
        self.backlog.acknowledge([delivery.ack_id for delivery in deliveries])
        return len(deliveries)

    async def passes(self, duration: timedelta) -> set[str]:
        """What the mailbox says meanwhile, in a word at a time. Mail comes, and notifications."""
        said = set()
        end = self.clock.now() + duration
        while self.clock.now() < end:
            self.deliver()
            await self.pass_time(EVERY)
            await self.handle_pushes()
            said.add((await self.state()).name.value)
        return said


class PulledReceiving(Receiving):
    """*is_listened*: a listener pulls, each time that notifications are to be handled."""

    is_listened = True
    token: int | None = None

    async def handle_pushes(self, *, every_time: int = 1) -> int:
        if not self.is_listened:
            return 0
        states, now, lease = self.pull_states, self.clock.now(), 2 * EVERY
        if self.token is None:
            self.token = await states.claim("google", SUBSCRIPTION, now, lease)
        failure, handled = await self._pull(every_time)
        assert self.token
        await states.save("google", SUBSCRIPTION, self.token, now + lease, failure)
        if failure:
            await self.folder_syncs.request(self.mailbox.tenant, self.mailbox.id, Request.SYNC, now)
            await self.maintain_due()
        return handled

    async def _pull(self, every_time: int) -> tuple[str, int]:
        puller = self.providers["google"].puller
        assert puller
        try:
            pulled = await puller.pull(self.mailbox, self.routes)
        except (Failure, NotificationsRefused) as failure:
            return failure.reason, 0
        for each in pulled:
            assert isinstance(each.notification, Announced)
            for _ in range(every_time):
                await self.trigger(self.mailbox, each.notification.pointer)
        if pulled:
            await puller.acknowledge(self.mailbox, [each.receipt for each in pulled])
        return "", len(pulled)

    async def add(self) -> None:
        self.routes = RegisteredRoutes()
        await self.routes.add(self.mailbox)
        await self.handle_pushes()
        await super().add()


def pulled(mailbox: Mailbox) -> Mailbox:
    account = google_account(mailbox)
    return replace(mailbox, account=replace(account, push_service_account="", pubsub_pull=True))


@asynccontextmanager
async def gmail_receiving(
    clock: ManualClock, *, topic: str = TOPIC, is_pulled: bool = False
) -> AsyncIterator[Receiving]:
    async with gmail_rig(clock) as rig, AsyncExitStack() as resources:
        http = await resources.enter_async_context(
            httpx.AsyncClient(transport=rig.gmail.transport())
        )
        deps = ProviderDeps(
            http=http,
            sign_ins=sign_ins(clock),
            clock=clock,
            registry=InMemoryMailboxRegistry(InMemoryDatabase()),
            resources=resources,
            public_url="https://postroom.test",
            max_message_bytes=1024,
        )
        gmail = provider(deps, gmail_url=URL, certs_url=f"{URL}/oauth2/v1/certs")
        mailbox = with_topic(rig.mailbox(), topic)
        if is_pulled:
            yield PulledReceiving(rig, gmail, pulled(mailbox), clock)
        else:
            yield Receiving(rig, gmail, mailbox, clock)
