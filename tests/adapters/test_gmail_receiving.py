"""A Gmail mailbox with its watch, at the emulator: it receives, or says why it does not."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from postroom.adapters.google.watch_errors import NO_PUBLISHER
from postroom.adapters.google.watches import NO_SUBSCRIPTION
from postroom.adapters.memory.clock import ManualClock
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.domain.folder_sync import Mode
from postroom.domain.ingress import IngressMode
from postroom.domain.mailbox_state import RECEIVING, StateName
from postroom.domain.sync_rules import RUN_OUT, UNHEARD
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_receiving_rig import SUBSCRIPTION, Receiving, gmail_receiving
from tests.adapters.gmail_rig import SUPPORT
from tests.contracts.gmail_subscriptions_stage import OTHER_TOPIC, TOPIC

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Receiving]:
    async with gmail_receiving(clock) as receiving:
        yield receiving


async def test_a_mailbox_is_watched_from_when_it_is_added(rig: Receiving) -> None:
    await rig.add()

    [watch] = rig.gmail.watches(SUPPORT)
    assert watch.topic == TOPIC
    subscription = (await rig.folder_sync()).subscription
    assert subscription
    assert subscription.expires_at == watch.expires_at


async def test_a_mailbox_receives_from_when_the_first_notification_has_come(
    rig: Receiving,
) -> None:
    await rig.add()
    assert (await rig.state()).name is StateName.POLLING

    assert await rig.handle_pushes() == 1

    assert await rig.state() == RECEIVING


async def test_a_watch_is_renewed_every_day_for_as_long_as_the_mailbox_is_served(
    rig: Receiving, clock: ManualClock
) -> None:
    await rig.add()
    assert await rig.handle_pushes() == 1
    for _ in range(30):
        await rig.pass_time(DAY)
        assert await rig.handle_pushes() == 1, "one a day, and each announces itself"
        [watch] = rig.gmail.watches(SUPPORT)
        assert watch.expires_at - clock.now() >= 6 * DAY

    assert await rig.state() == RECEIVING


async def test_mail_that_comes_between_a_sync_and_a_renewal_is_not_skipped(
    rig: Receiving,
) -> None:
    """What the watch says of where the mailbox stands is behind that mail."""
    await rig.add()
    await rig.pass_time(DAY - MINUTE)
    wanted = rig.deliver(3)

    await rig.pass_time(2 * MINUTE)

    [watch] = rig.gmail.watches(SUPPORT)
    assert watch.expires_at - rig.clock.now() > 6 * DAY, "it was renewed"
    assert sorted(await rig.queued()) == sorted(wanted)


async def test_a_watch_is_stopped_before_the_credentials_are_forgotten(rig: Receiving) -> None:
    await rig.add()
    remove = RemoveMailbox(rig.registry, rig.folder_syncs, rig.providers, rig.queue)

    assert await remove(rig.mailbox.tenant, rig.mailbox.id)

    assert rig.gmail.watches(SUPPORT) == []


async def test_a_watch_of_another_system_outlasts_a_removal_in_shadow(rig: Receiving) -> None:
    await rig.add()
    rig.modes["google"] = IngressMode.SHADOW
    remove = RemoveMailbox(rig.registry, rig.folder_syncs, rig.providers, rig.queue)

    await remove(rig.mailbox.tenant, rig.mailbox.id)

    assert len(rig.gmail.watches(SUPPORT)) == 1


async def test_nothing_is_watched_or_stopped_in_shadow(rig: Receiving) -> None:
    rig.gmail.watch(SUPPORT, OTHER_TOPIC)
    rig.modes["google"] = IngressMode.SHADOW
    await rig.add()
    await rig.pass_time(2 * DAY)
    remove = RemoveMailbox(rig.registry, rig.folder_syncs, rig.providers, rig.queue)
    await remove(rig.mailbox.tenant, rig.mailbox.id)

    assert [each.topic for each in rig.gmail.watches(SUPPORT)] == [OTHER_TOPIC]
    assert rig.gmail.calls.keys().isdisjoint({"watch", "stop"})


async def test_the_watch_of_an_operator_is_left_to_them(clock: ManualClock) -> None:
    async with gmail_receiving(clock, topic="") as rig:
        rig.gmail.watch(SUPPORT, TOPIC)
        await rig.add()
        await rig.pass_time(2 * DAY)

        assert rig.gmail.calls.keys().isdisjoint({"watch", "stop"})
        assert await rig.state() == RECEIVING


async def test_a_mailbox_without_a_subscription_is_polled_and_says_so(rig: Receiving) -> None:
    rig.without_subscription()
    await rig.add()
    wanted = rig.deliver(3)
    await rig.pass_time(MINUTE)

    assert sorted(await rig.queued()) == sorted(wanted)
    state = await rig.state()
    assert (state.name, state.reason) == (StateName.POLLING, NO_SUBSCRIPTION)
    assert rig.gmail.calls.keys().isdisjoint({"watch", "stop"})


# --- A mailbox that cannot receive says so --------------------------------------------------------


async def test_a_mailbox_whose_topic_is_mended_receives_again(rig: Receiving) -> None:
    publishers = rig.gmail.pubsub.topics.get(TOPIC).publishers
    granted = set(publishers)
    publishers.clear()
    await rig.add()
    await rig.pass_time(HOUR)
    publishers |= granted

    await rig.pass_time(2 * HOUR)
    await rig.handle_pushes()

    assert await rig.state() == RECEIVING


async def test_a_subscription_that_ends_is_found_out_within_a_day_though_no_mail_comes(
    rig: Receiving,
) -> None:
    await rig.add()
    await rig.handle_pushes()
    rig.gmail.pubsub.unsubscribe(SUBSCRIPTION)

    await rig.pass_time(DAY + 10 * MINUTE)

    assert (await rig.state()).name is StateName.POLLING
    assert (await rig.state()).reason == UNHEARD


async def test_a_watch_that_somebody_stops_is_watched_again_within_a_day(rig: Receiving) -> None:
    await rig.add()
    await rig.handle_pushes()
    await rig.providers["google"].subscriptions.remove(rig.mailbox, "")  # type: ignore[union-attr]

    assert "polling" in await rig.passes(DAY), "its mail is missed"
    await rig.pass_time(DAY)
    await rig.handle_pushes()
    assert len(rig.gmail.watches(SUPPORT)) == 1
    assert await rig.state() == RECEIVING


async def test_a_watch_that_has_run_out_does_not_say_that_it_receives(rig: Receiving) -> None:
    """Postroom was stopped for a week."""
    await rig.add()
    await rig.handle_pushes()
    rig.clock.advance(8 * DAY)

    folder_sync = await rig.folder_sync()
    assert folder_sync.polled_because(rig.clock.now()) == RUN_OUT
    while await rig.maintain_due():
        pass
    assert len(rig.gmail.watches(SUPPORT)) == 1


async def test_a_watch_that_cannot_be_renewed_ends_in_polling(rig: Receiving) -> None:
    await rig.add()
    await rig.handle_pushes()
    rig.gmail.fail("watch", GoogleError(403, "forbidden"), times=100)

    await rig.passes(DAY)

    assert (await rig.folder_sync()).mode is Mode.POLLING
    assert (await rig.state()).reason.startswith(NO_PUBLISHER)


# --- What notifications cost ----------------------------------------------------------------------


async def test_a_hundred_pushes_cost_three_lists_at_the_most(rig: Receiving) -> None:
    await rig.add()
    await rig.handle_pushes()
    await rig.pass_time(MINUTE)
    before = rig.lists
    wanted = []
    for _ in range(100):
        wanted += rig.deliver()
        rig.clock.advance(SECOND)

    assert await rig.handle_pushes() == 100
    await rig.pass_time(MINUTE)

    assert rig.lists - before <= 3
    assert await rig.queued() == wanted


async def test_a_hundred_pushes_of_a_list_that_lags_cost_three_lists_at_the_most(
    rig: Receiving,
) -> None:
    await rig.add()
    await rig.handle_pushes()
    await rig.pass_time(MINUTE)
    before = rig.lists
    rig.gmail.lag(SUPPORT, 2)
    wanted = []
    for _ in range(100):
        wanted += rig.deliver()
        rig.clock.advance(SECOND)

    assert await rig.handle_pushes(every_time=2) == 100
    await rig.pass_time(MINUTE)

    assert rig.lists - before <= 3
    assert await rig.queued() == wanted
