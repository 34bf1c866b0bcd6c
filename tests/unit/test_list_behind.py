"""A list that ends before where we had come: a replica that lags, or another mailbox (rule 8)."""

from datetime import timedelta

import pytest

from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox_state import RECEIVING, state_of
from postroom.domain.sync_rules import BEHIND_FOR
from tests.unit.trigger_rig import FOLDER, INFO, Rig

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(INFO)
    await rig.maintain_due()
    for number in range(100, 110):
        await rig.trigger(INFO, rig.arrive(number))
    await rig.queued()
    return rig


async def test_a_replica_that_lags_moves_nothing_and_is_asked_again_soon(rig: Rig) -> None:
    before = await rig.folder_sync()
    rig.changes.lag(INFO, 1, back=4)
    rig.clock.advance(15 * MINUTE)
    await rig.maintain_due()

    behind = await rig.folder_sync()
    assert behind.position == before.position
    assert behind.behind_since == rig.clock.now()
    assert behind.due_at - rig.clock.now() == timedelta(seconds=5)
    assert state_of(INFO, [behind], rig.clock.now()) == RECEIVING

    rig.arrive(200)
    await rig.pass_time(MINUTE)
    after = await rig.folder_sync()
    assert after.behind_since is None
    assert await rig.queued() == ["m200"]


async def test_a_position_never_goes_back_for_a_replica_that_lags_for_minutes(rig: Rig) -> None:
    before = await rig.folder_sync()
    for _ in range(20):
        rig.changes.lag(INFO, 2, back=4)
        await rig.pass_time(BEHIND_FOR - timedelta(seconds=90))
        await _list_once(rig)

    after = await rig.folder_sync()
    assert (after.position, after.behind_since) == (before.position, None)
    assert rig.changes.listed == 10


async def _list_once(rig: Rig) -> None:
    rig.changes.lag(INFO, 0)
    rig.clock.advance(15 * MINUTE)
    await rig.maintain_due()


async def test_a_mailbox_that_stays_behind_is_another_and_is_listed_by_date(rig: Rig) -> None:
    before = await rig.folder_sync()
    rig.changes.recreate(INFO, keep=3)
    rig.clock.advance(15 * MINUTE)
    await rig.maintain_due()
    rig.arrive(300)
    await rig.pass_time(BEHIND_FOR - MINUTE)
    assert (await rig.folder_sync()).position == before.position, "not at once"

    await rig.pass_time(3 * MINUTE)

    after = await rig.folder_sync()
    assert int(after.position) < int(before.position)
    assert (after.announced_to, after.behind_since) == (0, None)
    assert "m300" in await rig.queued()


async def test_a_new_position_that_is_less_than_one_that_expired_is_not_taken_at_once(
    rig: Rig,
) -> None:
    """The history is forgotten, and the replica that we ask where it stands lags."""
    folder_sync = await _claimed(rig)
    ahead = str(int(folder_sync.position) + 10**7)
    await rig.folder_syncs.move_position(folder_sync, ahead, rig.clock.now())
    await rig.folder_syncs.release(folder_sync)
    rig.clock.advance(15 * MINUTE)

    await rig.maintain_due()

    after = await rig.folder_sync()
    assert (after.position, after.behind_since) == (ahead, rig.clock.now())
    assert after.backfill_from is not None, "what lies between is listed by date in any case"


async def _claimed(rig: Rig) -> FolderSync:
    found = await rig.folder_syncs.claim(
        INFO.tenant, INFO.id, FOLDER, rig.clock.now(), timedelta(minutes=3)
    )
    assert found
    return found
