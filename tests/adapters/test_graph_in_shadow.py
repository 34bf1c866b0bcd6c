"""What is asked of Graph while a mailbox's ingress is in shadow: reads, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.microsoft.account import MicrosoftAccount
from postroom.adapters.microsoft.changes import GraphChanges
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.microsoft.subscriptions import GraphSubscriptions
from postroom.application.providers import Providers
from postroom.application.remove_orphans import RemoveOrphans
from postroom.domain.ingress import Ingress, IngressMode
from tests.adapters.graph_rig import (
    PUBLIC_URL,
    RAW,
    USER,
    EmulatorTokens,
    a_mailbox,
    an_emulator,
)
from tests.emulators.graph_rig import SubscribedFolder
from tests.unit import sync_rig

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MAILBOX = replace(a_mailbox(), tenant=sync_rig.SALES.tenant, id=sync_rig.SALES.id)


class Recorded(httpx.AsyncBaseTransport):
    """Keeps the method and path of each request."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.asked: list[tuple[str, str]] = []
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        return await self._transport.handle_async_request(request)


@dataclass
class Rig:
    """*theirs* is another system's subscriptions of the same application, *ours* Postroom's."""

    runs: sync_rig.Rig
    wire: Recorded
    theirs: GraphSubscriptions
    ours: GraphSubscriptions


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with an_emulator(clock, SubscribedFolder()) as graph:
        wire = Recorded(httpx.ASGITransport(graph.app))
        async with httpx.AsyncClient(transport=wire) as http:
            client = GraphClient(http, EmulatorTokens(graph), clock, "http://graph.test")
            ours = GraphSubscriptions(client, clock, PUBLIC_URL)
            theirs = GraphSubscriptions(client, clock, "https://old.example")
            runs = sync_rig.Rig(clock)
            made = InMemoryProvider(
                name="microsoft", account=MicrosoftAccount, pointer=MicrosoftPointer
            )()
            made = replace(made, changes=GraphChanges(client), subscriptions=ours)
            runs.modes["microsoft"] = IngressMode.SHADOW
            runs.use_providers(Providers([made], Ingress(runs.modes)))
            await runs.registry.add(replace(MAILBOX, added_at=clock.now()))
            graph.add_folder(USER, "inbox")
            graph.deliver(USER, RAW)
            yield Rig(runs, wire, theirs, ours)


async def test_another_systems_subscription_outlives_days_in_shadow(rig: Rig) -> None:
    theirs = await rig.theirs.create(MAILBOX, "inbox")
    rig.wire.asked.clear()

    await rig.runs.pass_time(DAY)

    assert {method for method, _ in rig.wire.asked} == {"GET"}
    assert not [path for _, path in rig.wire.asked if "subscriptions" in path]
    assert list(await rig.theirs.ids(MAILBOX)) == [theirs.id]
    assert list(await rig.ours.ids(MAILBOX)) == []


async def test_no_orphan_is_looked_for_in_shadow(rig: Rig) -> None:
    made = await rig.ours.create(MAILBOX, "inbox")  # and never recorded
    rig.wire.asked.clear()
    remove = RemoveOrphans(rig.runs.registry, rig.runs.folder_syncs, rig.runs.sync.providers)

    assert [await remove(), await remove()] == [0, 0]

    assert rig.wire.asked == []
    assert list(await rig.ours.ids(MAILBOX)) == [made.id]


async def test_out_of_the_shadow_another_systems_subscription_is_not_ended_either(rig: Rig) -> None:
    theirs = await rig.theirs.create(MAILBOX, "inbox")
    rig.runs.modes.clear()

    await rig.runs.pass_time(MINUTE)

    assert list(await rig.theirs.ids(MAILBOX)) == [theirs.id]
    [folder_sync] = await rig.runs.folder_syncs.all()
    assert folder_sync.polling_reason == "another service has subscribed to this folder"
