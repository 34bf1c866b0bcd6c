"""A notification that names no message has its folder synced, and promises nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.application.maintain_folder import LEASE
from postroom.application.trigger_sync import NOT_SYNCED
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.folder_sync import Mode, SyncIntervals
from postroom.domain.outcome import Expanded, Skipped
from postroom.domain.sync_rules import LIST_LAG
from tests.unit.trigger_rig import FOLDER, INFO, Rig

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(INFO)
    await rig.maintain_due()
    return rig


async def test_what_has_come_is_queued_at_once(rig: Rig) -> None:
    announced = rig.arrive(2)
    rig.arrive(3)

    assert await rig.trigger(INFO, announced) == Expanded(2)
    assert await rig.queued() == ["m2", "m3"]


async def test_messages_that_a_notification_names_are_queued_too(rig: Rig) -> None:
    rig.arrive(3)

    assert await rig.trigger(INFO, GooglePointer(1, INFO.address, "", ("m2", "m3"))) == Expanded(2)
    assert await rig.queued() == ["m2", "m3"]


async def test_a_hundred_notifications_are_one_sync(rig: Rig) -> None:
    announced = rig.arrive(2)
    await rig.trigger(INFO, announced)
    rig.changes.break_down(INFO, Unavailable("it was listed again"))

    for _ in range(100):
        assert await rig.trigger(INFO, announced) == Expanded(0)

    assert not (await rig.folder_sync()).last_error
    assert await rig.queued() == ["m2"]


async def test_a_notification_during_a_sync_is_followed_by_another_sync(rig: Rig) -> None:
    running = await rig.folder_syncs.claim(INFO.tenant, INFO.id, FOLDER, rig.clock.now(), LEASE)
    assert running
    announced = rig.arrive(2)

    assert await rig.trigger(INFO, announced) == Expanded(0), "somebody else is about to"
    await rig.folder_syncs.save(running)

    assert await rig.maintain_due() == 1
    assert await rig.queued() == ["m2"]


async def test_a_list_that_lags_behind_its_notification_is_listed_again_in_seconds(
    rig: Rig,
) -> None:
    announced = GooglePointer(9_999_999, INFO.address)

    await rig.trigger(INFO, announced)
    rig.arrive(100)
    rig.clock.advance(LIST_LAG)

    assert await rig.maintain_due() == 1
    assert await rig.queued() == ["m100"]


async def test_a_list_that_goes_on_lagging_is_listed_again_ever_less_often(rig: Rig) -> None:
    await rig.trigger(INFO, GooglePointer(9_999_999, INFO.address))

    await rig.pass_time(2 * MINUTE)
    assert rig.lists == 1 + 5, "after 5, 10, 20, 40 and 80 seconds"
    await rig.pass_time(3 * HOUR)

    assert rig.lists < 90, "what was announced is not waited for any more"
    folder_sync = await rig.folder_sync()
    assert (folder_sync.announced_to, folder_sync.lagging_since) == (0, None)
    assert (await rig.folder_sync()).due_at > rig.clock.now() + 5 * MINUTE


@pytest.mark.parametrize(
    "failure",
    [
        Unavailable("away"),
        Throttled("leave us alone", retry_after=MINUTE),
        AccessFailed("revoked"),
    ],
)
async def test_what_a_sync_fails_of_is_the_folders_and_no_hundred_notifications_knock(
    rig: Rig, failure: Unavailable | Throttled | AccessFailed
) -> None:
    announced = rig.arrive(2)
    rig.changes.break_down(INFO, failure)

    assert await rig.trigger(INFO, announced) == Expanded(0)
    failed = await rig.folder_sync()
    assert failed.last_error == failure.reason
    rig.changes.repair(INFO)
    for _ in range(100):
        assert await rig.trigger(INFO, announced) == Expanded(0)
    assert await rig.queued() == [], "nothing is tried before its retry is due"

    await rig.pass_time(5 * MINUTE)
    assert await rig.queued() == ["m2"]


async def test_a_folder_that_is_not_synced_has_nothing_to_tell(rig: Rig) -> None:
    await rig.registry.remove(INFO.tenant, INFO.id)

    assert await rig.trigger(INFO, GooglePointer(1, INFO.address)) == Skipped(NOT_SYNCED)


# --- Notifications that do not come (rule 6) ------------------------------------------------------


async def test_notifications_that_never_come_end_in_polling_and_a_probe(rig: Rig) -> None:
    for number in range(2, 7):
        rig.arrive(number)
        await rig.pass_time(15 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.POLLING
    assert "no notification had announced" in folder_sync.polling_reason
    rig.arrive(7)
    await rig.pass_time(MINUTE)
    assert (await rig.queued())[-1] == "m7"

    await rig.pass_time(DAY)
    assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS, "they are tried again"


async def test_a_notification_that_comes_a_moment_after_the_sync_was_not_missed(rig: Rig) -> None:
    for number in range(2, 9):
        announced = rig.arrive(number)
        await rig.pass_time(15 * MINUTE)
        await rig.trigger(INFO, announced)

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.missed_runs) == (Mode.NOTIFICATIONS, 0)


async def test_syncs_that_are_quicker_than_notifications_may_be_find_out_as_well(rig: Rig) -> None:
    rig.maintain = replace(rig.maintain, intervals=SyncIntervals(sync_every=MINUTE))
    for number in range(2, 7):
        rig.arrive(number)
        await rig.pass_time(15 * MINUTE)

    assert (await rig.folder_sync()).mode is Mode.POLLING


async def test_mail_is_announced_by_a_notification_of_what_came_after_it(rig: Rig) -> None:
    """Gmail sends one notification a second: not every message has one of its own."""
    for number in range(2, 30, 3):
        rig.arrive(number)
        rig.arrive(number + 1)
        await rig.pass_time(15 * MINUTE)
        await rig.trigger(INFO, rig.arrive(number + 2))

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.missed_runs) == (Mode.NOTIFICATIONS, 0)


async def test_mail_is_not_announced_by_a_notification_of_what_came_before_it(rig: Rig) -> None:
    old = rig.arrive(1)
    await rig.trigger(INFO, old)
    for number in range(2, 7):
        rig.arrive(number)
        await rig.pass_time(15 * MINUTE)
        await rig.trigger(INFO, old)

    assert (await rig.folder_sync()).mode is Mode.POLLING


async def test_a_notification_of_what_was_listed_already_costs_no_list(rig: Rig) -> None:
    announced = rig.arrive(2)
    await rig.pass_time(15 * MINUTE)
    lists = rig.lists

    for _ in range(100):
        await rig.trigger(INFO, announced)
    await rig.maintain_due()

    assert rig.lists == lists


async def test_a_quiet_mailbox_misses_nothing(rig: Rig) -> None:
    await rig.pass_time(2 * DAY)

    assert (await rig.folder_sync()).missed_runs == 0
