"""A Gmail mailbox whose access or whose notifications are broken never says that it receives."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.adapters.google.account import PersonalAccess, google_account
from postroom.adapters.google.watch_errors import NO_PUBLISHER, NO_TOPIC
from postroom.adapters.memory.clock import ManualClock
from postroom.application.unless_unpulled import NO_PULLER
from postroom.domain.account import Secret
from postroom.domain.mailbox_state import RECEIVING
from postroom.domain.sync_rules import NOTIFICATIONS_MISSED, UNHEARD
from postroom.entrypoints.emulators.gmail.rights import CONSUME
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT, SERVICE_ACCOUNT
from tests.adapters.gmail_receiving_rig import (
    SUBSCRIPTION,
    PulledReceiving,
    Receiving,
    gmail_receiving,
)
from tests.adapters.gmail_rig import SUPPORT, URL, with_key
from tests.contracts.gmail_subscriptions_stage import TOPIC

HOUR = timedelta(hours=1)
UNTIL_SYNCED = timedelta(minutes=16)
"""For so long nobody can know of what breaks while no mail comes."""


@pytest.fixture(params=[False, True], ids=["pushed", "pulled"])
async def rig(clock: ManualClock, request: pytest.FixtureRequest) -> AsyncIterator[Receiving]:
    async with gmail_receiving(clock, is_pulled=request.param) as receiving:
        yield receiving


@pytest.fixture
async def pulled(clock: ManualClock) -> AsyncIterator[PulledReceiving]:
    async with gmail_receiving(clock, is_pulled=True) as receiving:
        assert isinstance(receiving, PulledReceiving)
        yield receiving


async def test_a_mailbox_in_which_nothing_is_broken_receives(rig: Receiving) -> None:
    await rig.add()
    await rig.handle_pushes()

    assert await rig.passes(6 * HOUR) == {"receiving"}
    assert len(await rig.queued()) == 36


# --- The key, and the grant -----------------------------------------------------------------------


async def test_a_key_that_is_no_key(rig: Receiving) -> None:
    rig.mailbox = with_key(rig.mailbox, '{"type": "service_account"}')
    await rig.add()

    assert await rig.passes(2 * HOUR) <= {"error", "suspended"}


async def test_a_key_that_was_deleted(rig: Receiving) -> None:
    await rig.add()
    await rig.handle_pushes()
    rig.gmail.tokens.service_accounts.remove(SERVICE_ACCOUNT)
    rig.gmail.revoke_tokens(SUPPORT)
    await rig.pass_time(UNTIL_SYNCED)

    assert await rig.passes(2 * HOUR) <= {"error", "suspended"}


async def test_a_delegation_that_was_withdrawn(rig: Receiving) -> None:
    await rig.add()
    await rig.handle_pushes()
    key = rig.gmail.service_account_key(URL, scopes=())
    assert key == google_account(rig.mailbox).service_account.value, "it is the same key"
    rig.gmail.revoke_tokens(SUPPORT)
    await rig.pass_time(UNTIL_SYNCED)

    assert await rig.passes(2 * HOUR) <= {"error", "suspended"}


async def test_a_consent_that_was_withdrawn(clock: ManualClock) -> None:
    async with gmail_receiving(clock) as rig:
        person = PersonalAccess(
            CLIENT.id, Secret(CLIENT.secret), Secret(rig.gmail.consent(SUPPORT))
        )
        account = replace(google_account(rig.mailbox), service_account=Secret(""), person=person)
        rig.mailbox = replace(rig.mailbox, account=account)
        await rig.add()
        await rig.handle_pushes()
        assert await rig.state() == RECEIVING
        rig.gmail.withdraw_consent(SUPPORT)
        await rig.pass_time(UNTIL_SYNCED)

        assert await rig.passes(2 * HOUR) <= {"error", "suspended"}


# --- The topic, the subscription and the watch ----------------------------------------------------


async def test_a_topic_that_is_missing(rig: Receiving) -> None:
    rig.gmail.pubsub.topics.delete(TOPIC)
    await rig.add()

    assert await rig.passes(6 * HOUR) == {"polling"}
    assert (await rig.state()).reason.startswith(NO_TOPIC)
    assert len(await rig.queued()) == 36, "its mail comes all the same"


async def test_a_topic_to_which_gmail_may_not_publish(rig: Receiving) -> None:
    rig.gmail.pubsub.topics.get(TOPIC).publishers.clear()
    await rig.add()

    assert await rig.passes(6 * HOUR) == {"polling"}
    assert (await rig.state()).reason.startswith(NO_PUBLISHER)


async def test_a_subscription_that_is_missing_where_it_is_to_push(clock: ManualClock) -> None:
    async with gmail_receiving(clock) as rig:
        rig.gmail.pubsub.unsubscribe(SUBSCRIPTION)
        await rig.add()

        assert await rig.passes(6 * HOUR) == {"polling"}
        assert (await rig.state()).reason in (UNHEARD, NOTIFICATIONS_MISSED)


async def test_a_subscription_that_is_missing_where_it_is_pulled(pulled: PulledReceiving) -> None:
    pulled.gmail.pubsub.unsubscribe(SUBSCRIPTION)
    await pulled.add()

    assert await pulled.passes(6 * HOUR) == {"polling"}
    assert (await pulled.state()).reason.startswith("there is no such Pub/Sub subscription")
    assert len(await pulled.queued()) == 36, "its mail comes all the same"


async def test_a_subscription_that_may_not_be_pulled(pulled: PulledReceiving) -> None:
    pulled.gmail.pubsub.rights.take(CONSUME, SERVICE_ACCOUNT)
    await pulled.add()

    assert await pulled.passes(6 * HOUR) == {"polling"}
    assert "roles/pubsub.subscriber" in (await pulled.state()).reason


async def test_a_subscription_that_nobody_pulls(pulled: PulledReceiving) -> None:
    pulled.is_listened = False
    await pulled.add()

    assert await pulled.passes(6 * HOUR) == {"polling"}
    assert (await pulled.state()).reason == NO_PULLER


async def test_a_watch_that_gmail_refuses(rig: Receiving) -> None:
    await rig.add()
    await rig.handle_pushes()
    rig.gmail.end_watches(SUPPORT)
    rig.gmail.pubsub.topics.get(TOPIC).publishers.clear()

    await rig.passes(2 * HOUR)  # for so long nobody can know
    assert await rig.passes(26 * HOUR) == {"polling"}
