"""A folder whose notifications are to be pulled: when they can be relied on, and when not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.adapters.memory.puller import InMemoryPuller
from postroom.application.providers import Providers
from postroom.application.unless_unpulled import NO_PULLER
from postroom.domain.folder_sync import Mode
from postroom.domain.mailbox import Mailbox
from postroom.domain.sync_rules import NOTIFICATIONS_MISSED
from tests.unit.sync_rig import SALES, Rig

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LEASE = 10 * HOUR
KEY = ("microsoft", "a subscription")


@pytest.fixture
async def rig() -> Rig:
    """With a provider whose notifications wait to be pulled."""
    return await rig_with(lambda _: KEY[1])


async def rig_with(subscription_of: Callable[[Mailbox], str]) -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    provider = rig.providers["microsoft"]
    puller = InMemoryPuller(subscription_of)
    rig.use_providers(Providers([replace(provider, puller=puller)]))
    return rig


async def claim(rig: Rig) -> int:
    token = await rig.pull_states.claim(*KEY, rig.clock.now(), LEASE)
    assert token
    return token


async def test_while_nobody_pulls_the_folder_is_polled_with_its_subscription(rig: Rig) -> None:
    await rig.sync_runs()

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.polling_reason) == (Mode.POLLING, NO_PULLER)
    assert folder_sync.subscription
    assert folder_sync.due_at == rig.clock.now() + MINUTE


async def test_the_subscription_is_renewed_all_the_same(rig: Rig) -> None:
    await rig.sync_runs()
    before = (await rig.folder_sync()).subscription
    assert before

    await rig.pass_time(before.renewal_at - rig.clock.now() + 2 * MINUTE)

    after = (await rig.folder_sync()).subscription
    assert after
    assert (after.id, after.renewed_at) > (before.id, before.renewed_at)


async def test_as_long_as_somebody_pulls_the_notifications_are_relied_on(rig: Rig) -> None:
    await claim(rig)
    await rig.sync_runs()

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.polling_reason) == (Mode.NOTIFICATIONS, "")
    assert folder_sync.due_at == rig.clock.now() + 15 * MINUTE


async def test_what_a_pull_fails_of_is_why_the_folder_is_polled_until_it_is_over(rig: Rig) -> None:
    token = await claim(rig)
    end = rig.clock.now() + LEASE
    await rig.pull_states.save(*KEY, token, end, "there is no such subscription")
    await rig.sync_runs()
    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.POLLING
    assert folder_sync.polling_reason == "there is no such subscription"

    await rig.pull_states.save(*KEY, token, end, "")
    await rig.pass_time(2 * MINUTE)
    assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS


async def test_a_puller_that_died_is_missed_when_its_lease_has_ended(rig: Rig) -> None:
    await rig.pull_states.claim(*KEY, rig.clock.now(), 4 * MINUTE)
    await rig.pass_time(16 * MINUTE)

    assert (await rig.folder_sync()).polling_reason == NO_PULLER


async def test_notifications_that_fail_to_come_are_missed_though_somebody_pulls(rig: Rig) -> None:
    await claim(rig)
    await rig.pass_time(HOUR)
    for _ in range(3):
        rig.arrive(ago=10 * MINUTE)
        await rig.pass_time(16 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.polling_reason) == (Mode.POLLING, NOTIFICATIONS_MISSED)


async def test_what_is_not_pulled_needs_nobody_to_pull_it() -> None:
    rig = await rig_with(lambda _: "")
    await rig.sync_runs()

    assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS
