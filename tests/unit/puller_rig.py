"""A puller with everything around it in memory, and time that passes when told."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
from structlog.testing import capture_logs

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.pubsub import PubsubClient
from postroom.adapters.google.puller import GmailNotificationPuller
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.memory.puller import InMemoryPuller
from postroom.application.ports import (
    Announced,
    NotificationResult,
    PullState,
    Rejected,
    by_mailbox,
)
from postroom.application.providers import Providers
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.api.route_cache import RouteCache
from postroom.entrypoints.pulled_subscription import RECONNECT, WHEN_EMPTY, Pulling
from postroom.entrypoints.puller import Puller
from tests.consuming import largest
from tests.threads import sign_ins
from tests.unit.api_providers import PUSH_SUBSCRIPTION, ProviderRig, google_mailbox
from tests.unit.api_rig import opened
from tests.unit.listener_rig import Waits, settle

REFRESH = timedelta(seconds=61)
SOON = WHEN_EMPTY.total_seconds()


def pulled(mailbox: Mailbox) -> Mailbox:
    """*mailbox*, whose notifications are pulled."""
    assert isinstance(mailbox.account, GoogleAccount)
    account = replace(mailbox.account, push_service_account="", pubsub_pull=True)
    return replace(mailbox, account=account)


SALES = pulled(google_mailbox())
INFO = pulled(google_mailbox(name="info"))


@dataclass(kw_only=True)
class Rig(ProviderRig):
    logs: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.waits = Waits(self.clock)
        self.pull_states = InMemoryPullStates()
        subscriptions = GmailNotificationPuller(_nobody(self.clock))
        self.source = InMemoryPuller(subscriptions.subscription_of)
        google = replace(self.providers["google"], puller=self.source)
        self.providers = Providers([google], self.providers.ingress)

    async def publish(self, mailbox: Mailbox = SALES, history_id: int = 7) -> None:
        key = by_mailbox(mailbox.tenant, mailbox.id)
        route = (await self.routes.find([key]))[key]
        pointer = GooglePointer(history_id, mailbox.address)
        self.source.publish(PUSH_SUBSCRIPTION, Announced(route, pointer))

    def publish_nonsense(self) -> None:
        rejected = Rejected(NotificationResult.MALFORMED, PUSH_SUBSCRIPTION)
        self.source.publish(PUSH_SUBSCRIPTION, rejected)

    def puller(self) -> Puller:
        services = self.services()
        return Puller(
            registry=self.registry,
            providers=self.providers,
            refresh=REFRESH,
            pulling=Pulling(
                pull_states=self.pull_states,
                folder_syncs=self.folder_syncs,
                routes=RouteCache(self.routes, self.clock),
                ingest=services.ingest,
                telemetry=self.telemetry,
                clock=self.clock,
                reconnect=replace(RECONNECT, draw=largest),
                sleep=self.waits,
            ),
        )

    @asynccontextmanager
    async def pulling(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        with capture_logs() as self.logs:
            running = asyncio.create_task(self.puller().run(stop))
            await settle()
            yield
            stop.set()
            await running

    async def state(self) -> PullState | None:
        return await self.pull_states.find("google", PUSH_SUBSCRIPTION)


def _nobody(clock: ManualClock) -> PubsubClient:
    return PubsubClient(httpx.AsyncClient(), clock, sign_ins(clock))


@contextmanager
def open_rig(clock: ManualClock) -> Iterator[Rig]:
    with opened(Rig, clock) as rig:
        yield rig
