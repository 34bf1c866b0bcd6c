"""What maintenance does, and does not do, for a folder whose ingress is in shadow, or off."""

from datetime import timedelta

import pytest

from postroom.application.maintain_folder import WHILE_OFF
from postroom.application.remove_orphans import RemoveOrphans
from postroom.domain.folder_sync import Mode, Request
from postroom.domain.ingress import IngressMode
from tests.unit.sync_rig import SALES, Rig

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
IN_SHADOW = "ingress of microsoft is in shadow"


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    return rig


def switch(rig: Rig, mode: IngressMode) -> None:
    rig.modes["microsoft"] = mode


async def subscribe_elsewhere(rig: Rig) -> list[str]:
    """Another system has a subscription to the folder."""
    ours, rig.subscriptions.endpoint = rig.subscriptions.endpoint, "https://old.example/hook"
    await rig.subscriptions.create(SALES, "inbox")
    rig.subscriptions.endpoint = ours
    return list(rig.subscriptions.live(SALES))


async def sweep_twice(rig: Rig) -> int:
    remove = RemoveOrphans(rig.registry, rig.folder_syncs, rig.providers)
    await remove()
    return await remove()


# --- In shadow ---


async def test_in_shadow_a_folder_is_polled_and_says_why(rig: Rig) -> None:
    switch(rig, IngressMode.SHADOW)
    rig.arrive()
    await rig.pass_time(MINUTE)
    rig.arrive()
    await rig.pass_time(MINUTE)

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.polling_reason) == (Mode.POLLING, IN_SHADOW)
    assert await rig.handle_all() == ["m1", "m2"]


async def test_in_shadow_nobodys_subscription_is_touched(rig: Rig) -> None:
    switch(rig, IngressMode.SHADOW)
    live = await subscribe_elsewhere(rig)

    await rig.pass_time(5 * DAY)

    assert list(rig.subscriptions.live(SALES)) == live
    assert rig.subscriptions.removed == []
    assert (await rig.folder_sync()).subscription is None


async def test_in_shadow_a_subscription_of_ours_is_neither_renewed_nor_ended(rig: Rig) -> None:
    await rig.sync_runs()
    made = (await rig.folder_sync()).subscription
    assert made
    switch(rig, IngressMode.SHADOW)

    await rig.pass_time(5 * DAY)

    assert (await rig.folder_sync()).subscription == made
    assert list(rig.subscriptions.live(SALES)) == [made.id]


async def test_in_shadow_what_a_lifecycle_event_requests_is_a_sync_and_no_more(rig: Rig) -> None:
    await rig.sync_runs()
    made = (await rig.folder_sync()).subscription
    assert made
    switch(rig, IngressMode.SHADOW)
    await rig.pass_time(HOUR)
    for request in (Request.RENEW, Request.RECREATE):
        assert await rig.folder_syncs.request_by_subscription(made.id, request, rig.clock.now())

    await rig.sync_runs()

    folder_sync = await rig.folder_sync()
    assert folder_sync.subscription == made
    assert folder_sync.requests == frozenset()
    assert rig.subscriptions.removed == []


async def test_in_shadow_a_folder_is_synced_once_a_minute_and_not_without_end(rig: Rig) -> None:
    await rig.sync_runs()
    switch(rig, IngressMode.SHADOW)
    await rig.pass_time(4 * DAY)  # a renewal would be due for a day

    assert len(await rig.pass_time(10 * MINUTE)) == 10


async def test_in_shadow_no_subscription_is_an_orphan(rig: Rig) -> None:
    await rig.subscriptions.create(SALES, "inbox")  # to our endpoint, and not of our making
    live = rig.subscriptions.live(SALES)
    switch(rig, IngressMode.SHADOW)

    assert await sweep_twice(rig) == 0
    assert rig.subscriptions.live(SALES) == live
    switch(rig, IngressMode.QUEUE)
    assert await sweep_twice(rig) == 1


async def test_out_of_the_shadow_a_folder_goes_on_with_the_subscription_that_there_is(
    rig: Rig,
) -> None:
    await rig.sync_runs()
    made = (await rig.folder_sync()).subscription
    switch(rig, IngressMode.SHADOW)
    await rig.pass_time(DAY)
    switch(rig, IngressMode.QUEUE)
    await rig.pass_time(MINUTE)

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.subscription) == (Mode.NOTIFICATIONS, made)
    assert folder_sync.announced_since
    assert folder_sync.announced_since >= rig.clock.now() - MINUTE


async def test_out_of_the_shadow_another_is_made_where_that_has_ended(rig: Rig) -> None:
    await rig.sync_runs()
    made = (await rig.folder_sync()).subscription
    assert made
    switch(rig, IngressMode.SHADOW)
    await rig.pass_time(7 * DAY)
    switch(rig, IngressMode.QUEUE)
    await rig.pass_time(2 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.NOTIFICATIONS
    assert folder_sync.subscription
    assert folder_sync.subscription.id != made.id


# --- Off ---


async def test_off_nothing_is_asked_of_the_provider(rig: Rig) -> None:
    switch(rig, IngressMode.OFF)
    rig.arrive()

    made = await rig.pass_time(HOUR)

    assert rig.subscriptions.shown == {}
    assert await rig.handle_all() == []
    assert [run.result for run in made] == [None] * 13
    assert (await rig.folder_sync()).due_at == rig.clock.now() + WHILE_OFF


async def test_off_what_was_requested_waits(rig: Rig) -> None:
    await rig.sync_runs()
    switch(rig, IngressMode.OFF)
    now = rig.clock.now()
    await rig.folder_syncs.request(SALES.tenant, SALES.id, Request.SYNC, now)

    await rig.pass_time(HOUR)

    assert (await rig.folder_sync()).requests == {Request.SYNC}


async def test_on_again_all_is_found_within_minutes_and_nothing_counts_as_missed(rig: Rig) -> None:
    await rig.sync_runs()
    await rig.pass_time(HOUR)
    switch(rig, IngressMode.OFF)
    await rig.pass_time(DAY)
    for _ in range(3):
        rig.arrive()
        await rig.pass_time(HOUR)
    switch(rig, IngressMode.QUEUE)

    made = await rig.pass_time(WHILE_OFF + MINUTE)

    assert await rig.handle_all() == ["m1", "m2", "m3"]
    assert sum(run.result.missed for run in made if run.result) == 0
    assert (await rig.folder_sync()).missed_runs == 0
