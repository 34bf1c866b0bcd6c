"""What every NotificationPuller promises: the one in memory, and Gmail's, of the emulator."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.pubsub import PubsubClient
from postroom.adapters.google.puller import GmailNotificationPuller
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.puller import InMemoryPuller
from postroom.application.ports import (
    Announced,
    NotificationPuller,
    NotificationResult,
    NotificationsRefused,
    Rejected,
    Route,
)
from postroom.domain.failure import AccessFailed, Failure, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GmailEmulator, GoogleError
from postroom.entrypoints.emulators.gmail.rights import CONSUME
from postroom.entrypoints.emulators.gmail.subscriptions import Subscription
from tests.adapters.gmail_rig import URL
from tests.adapters.routes_rig import RegisteredRoutes
from tests.contracts.samples import google_mailbox, imap_mailbox
from tests.threads import sign_ins

PORTS = {NotificationPuller}

NAME = "projects/project/subscriptions/gmail"
KNOWN = "info@acme.example"

LEASE = timedelta(seconds=11)
"""Longer than Pub/Sub waits for an acknowledgement, if it is told nothing else."""


@dataclass(frozen=True)
class Rig:
    """The puller under test, and what happens behind its back.

    *publish* announces that the mailbox of an address has changed. *redeliver* lets all leases end,
    *refuse* takes the right to pull, *be_away* fails the next call.
    """

    puller: NotificationPuller
    mailbox: Mailbox
    routes: RegisteredRoutes
    publish: Callable[[str], object]
    redeliver: Callable[[], object]
    refuse: Callable[[], object]
    be_away: Callable[[], object]

    async def pull(self) -> list[Announced | Rejected]:
        """What comes, which is then acknowledged."""
        pulled = await self.puller.pull(self.mailbox, self.routes)
        if pulled:
            await self.puller.acknowledge(self.mailbox, [each.receipt for each in pulled])
        return [each.notification for each in pulled]


@pytest.fixture(params=["memory", "gmail"])
async def rig(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Rig]:
    routes = RegisteredRoutes()
    if request.param == "memory":
        rig = in_memory(routes)
        await routes.add(rig.mailbox)
        yield rig
        return
    async with httpx.AsyncClient() as nobody:
        gmail = GmailEmulator(nobody, clock)
        async with httpx.AsyncClient(transport=gmail.transport()) as http:
            rig = at_gmail(gmail, PubsubClient(http, clock, sign_ins(clock), URL), routes, clock)
            await routes.add(rig.mailbox)
            yield rig


def pulled_mailbox(key: str = "{}") -> Mailbox:
    mailbox = google_mailbox(subscription=NAME)
    assert isinstance(mailbox.account, GoogleAccount)
    secret = replace(mailbox.account.service_account, value=key)
    account = replace(
        mailbox.account, service_account=secret, push_service_account="", pubsub_pull=True
    )
    return replace(mailbox, account=account)


def in_memory(routes: RegisteredRoutes) -> Rig:
    mailbox = pulled_mailbox()
    puller = InMemoryPuller(lambda each: NAME if each.provider == "google" else "")
    route = Route(tenant="acme", id="info", provider="google")

    def publish(address: str) -> None:
        unknown = Rejected(NotificationResult.UNKNOWN_MAILBOX, NAME)
        known = Announced(route, GooglePointer(7, address))
        puller.publish(NAME, known if address == KNOWN else unknown)

    def fail(failure: Failure | NotificationsRefused) -> Callable[[], object]:
        return lambda: puller.failures.append(failure)

    return Rig(
        puller=puller,
        mailbox=mailbox,
        routes=routes,
        publish=publish,
        redeliver=puller.redeliver,
        refuse=fail(NotificationsRefused("there is none")),
        be_away=fail(Unavailable("away")),
    )


def at_gmail(
    gmail: GmailEmulator, pubsub: PubsubClient, routes: RegisteredRoutes, clock: ManualClock
) -> Rig:
    topic, account = gmail.pubsub.create_topic(), "postroom@project.iam.gserviceaccount.com"
    gmail.pubsub.subscribe(Subscription(name=NAME, topic=topic))
    return Rig(
        puller=GmailNotificationPuller(pubsub),
        mailbox=pulled_mailbox(gmail.service_account_key(URL, email=account)),
        routes=routes,
        publish=lambda address: gmail.pubsub.publish(topic, address, 7),
        redeliver=lambda: clock.advance(LEASE),
        refuse=lambda: gmail.pubsub.rights.take(CONSUME, account),
        be_away=lambda: gmail.fail("subscriptions.pull", GoogleError(503, "backendError")),
    )


async def test_only_what_is_pulled_has_a_subscription(rig: Rig) -> None:
    assert rig.puller.subscription_of(rig.mailbox) == NAME
    assert rig.puller.subscription_of(imap_mailbox()) == ""


async def test_where_nothing_waits_nothing_is_pulled(rig: Rig) -> None:
    assert await rig.pull() == []


async def test_what_is_announced_leads_to_its_mailbox(rig: Rig) -> None:
    rig.publish(KNOWN)

    [announced] = await rig.pull()

    assert isinstance(announced, Announced)
    assert (announced.route.tenant, announced.route.id) == ("acme", "info")
    assert isinstance(announced.pointer, GooglePointer)
    assert announced.pointer.history_id == 7


async def test_what_is_acknowledged_does_not_come_again(rig: Rig) -> None:
    rig.publish(KNOWN)
    await rig.pull()

    rig.redeliver()

    assert await rig.pull() == []


async def test_what_is_not_acknowledged_comes_again(rig: Rig) -> None:
    rig.publish(KNOWN)
    [before] = await rig.puller.pull(rig.mailbox, rig.routes)

    rig.redeliver()

    [again] = await rig.pull()
    assert isinstance(before.notification, Announced)
    assert isinstance(again, Announced)
    assert again.pointer == before.notification.pointer


async def test_what_is_of_nobody_is_said_and_costs_the_others_nothing(rig: Rig) -> None:
    for address in ("nobody@acme.example", KNOWN):
        rig.publish(address)

    unknown, known = await rig.pull()

    assert unknown == Rejected(NotificationResult.UNKNOWN_MAILBOX, NAME)
    assert isinstance(known, Announced)


async def test_an_acknowledgement_that_comes_too_late_is_none(rig: Rig) -> None:
    rig.publish(KNOWN)
    [late] = await rig.puller.pull(rig.mailbox, rig.routes)
    rig.redeliver()

    await rig.puller.acknowledge(rig.mailbox, [late.receipt])

    assert len(await rig.pull()) == 1


async def test_who_may_not_pull_is_told_why(rig: Rig) -> None:
    rig.refuse()

    with pytest.raises(NotificationsRefused) as caught:
        await rig.pull()
    assert caught.value.reason
    assert "@" not in caught.value.reason


async def test_a_provider_that_is_away_is_not_taken_for_an_empty_one(rig: Rig) -> None:
    rig.publish(KNOWN)
    rig.be_away()

    with pytest.raises(Unavailable):
        await rig.pull()
    assert len(await rig.pull()) == 1


async def test_a_mailbox_of_another_provider_is_not_pulled(rig: Rig) -> None:
    with pytest.raises(AccessFailed):
        await rig.puller.pull(imap_mailbox(), rig.routes)
