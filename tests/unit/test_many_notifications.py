"""A hundred notifications for one mailbox cost three lists at the most, and none is missed."""

from datetime import timedelta

import pytest

from postroom.application.maintain_folder import LEASE
from postroom.domain.folder_sync import FolderSync
from tests.unit.trigger_rig import FOLDER, INFO, Rig

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(INFO)
    await rig.maintain_due()
    return rig


async def test_a_hundred_notifications_of_a_hundred_messages_are_one_list(rig: Rig) -> None:
    announced = [rig.arrive(number) for number in range(100, 200)]

    for each in announced:
        await rig.trigger(INFO, each)
    await rig.maintain_due()

    assert rig.lists == 1
    assert len(await rig.queued()) == 100


@pytest.mark.parametrize("order", [1, -1])
async def test_a_hundred_notifications_of_a_list_that_lags_are_two_lists(
    rig: Rig, order: int
) -> None:
    rig.changes.lag(INFO, 1)
    announced = [rig.arrive(number) for number in range(100, 200)]

    for each in announced[::order]:
        await rig.trigger(INFO, each)
    assert rig.lists == 1
    await rig.pass_time(MINUTE)

    assert rig.lists == 2
    assert len(await rig.queued()) == 100


async def _claimed_to_sync(rig: Rig) -> FolderSync:
    rig.clock.advance(15 * MINUTE)
    claimed = await rig.folder_syncs.claim(INFO.tenant, INFO.id, FOLDER, rig.clock.now(), LEASE)
    assert claimed
    return claimed


async def test_a_hundred_notifications_during_a_run_are_one_list_more(rig: Rig) -> None:
    claimed = await _claimed_to_sync(rig)
    for number in range(100, 200):
        await rig.trigger(INFO, rig.arrive(number))

    await rig.maintain(claimed)
    while await rig.maintain_due():
        pass

    assert rig.lists <= 3
    assert len(await rig.queued()) == 100


async def test_no_notification_is_missed_that_comes_while_the_list_is_being_made(rig: Rig) -> None:
    """It began before, and may have passed the place where the message is."""
    claimed = await _claimed_to_sync(rig)
    rig.changes.lag(INFO, 1)
    await rig.trigger(INFO, rig.arrive(100))

    await rig.maintain(claimed)
    assert await rig.queued() == []
    await rig.maintain_due()

    assert await rig.queued() == ["m100"]
