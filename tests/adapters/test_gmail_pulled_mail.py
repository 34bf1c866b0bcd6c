"""From a message that comes into a watched mailbox to the job that Pub/Sub's announcement is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.pubsub import PubsubClient
from postroom.adapters.google.puller import GmailNotificationPuller
from postroom.adapters.memory.clock import ManualClock
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.folder_sync import Request
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.rights import CONSUME
from postroom.entrypoints.emulators.gmail.subscriptions import Backlog, Subscription
from tests.adapters.gmail_rig import MAIL, URL
from tests.threads import sign_ins
from tests.unit.puller_rig import SALES, Rig, open_rig
from tests.unit.worker.rig import until

SUBSCRIPTION = Subscription(name="projects/project/subscriptions/postroom")
PULLER = "postroom@project.iam.gserviceaccount.com"
LONGER_THAN_ANY_TEST = 60


@dataclass(frozen=True)
class Pulled:
    gmail: GmailEmulator
    backlog: Backlog
    rig: Rig

    def told(self) -> list[int]:
        """Up to where the mailbox was announced to have changed."""
        pointers = [job.pointer for job in self.rig.jobs]
        return [each.history_id for each in pointers if isinstance(each, GooglePointer)]


@pytest.fixture
async def pulled(clock: ManualClock) -> AsyncIterator[Pulled]:
    """A mailbox whose watch announces to a subscription that the emulator holds."""
    async with httpx.AsyncClient() as nobody:
        gmail = GmailEmulator(nobody, clock)
        gmail.pubsub.create_topic()
        backlog = gmail.pubsub.subscribe(SUBSCRIPTION)
        gmail.pubsub.pull_seconds = LONGER_THAN_ANY_TEST
        gmail.mailbox(SALES.address)
        async with httpx.AsyncClient(transport=gmail.transport()) as http:
            with open_rig(clock) as rig:
                puller = GmailNotificationPuller(PubsubClient(http, clock, sign_ins(clock), URL))
                rig.providers = Providers([replace(rig.providers["google"], puller=puller)])
                account = GoogleAccount(
                    service_account=Secret(gmail.service_account_key(URL, email=PULLER)),
                    pubsub_subscription=SUBSCRIPTION.name,
                    pubsub_pull=True,
                )
                await rig.registry.add(replace(SALES, account=account))
                yield Pulled(gmail, backlog, rig)


@asynccontextmanager
async def watching(pulled: Pulled) -> AsyncIterator[None]:
    """From when on what the watch announces at once is acknowledged: Gmail announces one change a
    second.
    """
    async with pulled.rig.pulling():
        pulled.gmail.watch(SALES.address)
        await until(lambda: len(pulled.backlog.acknowledged) == 1)
        pulled.rig.clock.advance(timedelta(seconds=2))
        yield


async def test_a_message_is_announced_while_a_pull_waits(pulled: Pulled) -> None:
    async with watching(pulled):
        pulled.gmail.deliver(SALES.address, MAIL)
        await until(lambda: len(pulled.backlog.acknowledged) == 2)

        assert pulled.told()[-1] == pulled.gmail.history_id(SALES.address)
    assert pulled.backlog.waiting == []


async def test_what_waits_while_nobody_pulls_is_pulled_later(pulled: Pulled) -> None:
    async with watching(pulled):
        pass
    pulled.gmail.deliver(SALES.address, MAIL)

    async with pulled.rig.pulling():
        await until(lambda: len(pulled.backlog.acknowledged) == 2)

    assert pulled.told()[-1] == pulled.gmail.history_id(SALES.address)


async def test_who_loses_the_right_to_consume_is_said_to(pulled: Pulled) -> None:
    pulled.gmail.pubsub.rights.take(CONSUME, PULLER)
    rig = pulled.rig

    async with rig.pulling():
        await until(lambda: bool(rig.logs))

        state = await rig.pull_states.find("google", SUBSCRIPTION.name)
        assert state
        assert "roles/pubsub.subscriber" in state.last_error
        [folder_sync] = await rig.folder_syncs.all(tenant="acme", mailbox="sales")
        assert folder_sync.requests == {Request.SYNC}
