"""How a folder is subscribed to, and when it is synced: the rules of domain/folder_sync.py."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.application.maintain_folder import LEASE, MAX_RUN, MaintainFolder
from postroom.application.ports import ChangesPage, NoProgress, PositionExpired, PositionRefused
from postroom.application.slow_calls import AGAIN_AFTER, SlowCalls
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.folder_sync import Mode, Request
from postroom.domain.mailbox import Pause, PausedBy
from tests.contracts.samples import microsoft_mailbox
from tests.unit.listener_rig import BOUND
from tests.unit.sync_rig import SALES, Rig

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    return rig


async def test_a_new_mailbox_is_subscribed_to_and_then_synced(rig: Rig) -> None:
    subscribed, synced = await rig.sync_runs()

    assert subscribed.result is None, "webhooks must know the subscription before a sync begins"
    folder_sync = await rig.folder_sync()
    assert folder_sync.subscription == subscribed.after.subscription
    assert synced.result
    assert synced.result.complete
    assert folder_sync.synced_at == rig.clock.now()
    assert folder_sync.due_at == rig.clock.now() + 15 * MINUTE


async def test_each_folder_has_a_subscription_of_its_own() -> None:
    rig = Rig()
    await rig.registry.add(microsoft_mailbox(folders=("inbox", "Inbox/Orders")))
    await rig.sync_runs()

    inbox, orders = await rig.folder_sync("inbox"), await rig.folder_sync("Inbox/Orders")
    assert inbox.subscription
    assert orders.subscription
    assert inbox.subscription.id != orders.subscription.id


async def test_mail_that_came_before_the_first_subscription_is_found(rig: Rig) -> None:
    rig.arrive()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1"]


async def test_a_subscription_is_renewed_when_half_of_its_life_is_over(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first

    await rig.pass_time(3 * DAY - MINUTE)
    assert (await rig.folder_sync()).subscription == first
    await rig.pass_time(2 * MINUTE)

    renewed = (await rig.folder_sync()).subscription
    assert renewed
    assert renewed.id == first.id
    assert renewed.expires_at == first.expires_at + 3 * DAY


async def test_one_that_is_gone_when_it_is_to_be_renewed_is_made_anew(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    await rig.pass_time(3 * DAY - MINUTE)
    rig.subscriptions.lose(first.id)
    rig.arrive()
    await rig.pass_time(2 * MINUTE)

    second = (await rig.folder_sync()).subscription
    assert second
    assert second.id != first.id
    assert await rig.handle_all() == ["m1"], "a sync follows at once"


async def test_a_provider_may_be_away_for_days_before_a_subscription_ends(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    await rig.pass_time(3 * DAY - MINUTE)
    rig.subscriptions.failures = [Unavailable("Graph answered 503")] * 60
    await rig.pass_time(HOUR)

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.NOTIFICATIONS
    assert folder_sync.last_error == "Graph answered 503"
    assert folder_sync.subscription == first
    await rig.pass_time(2 * MINUTE)
    folder_sync = await rig.folder_sync()
    assert not folder_sync.last_error
    assert folder_sync.subscription
    assert folder_sync.subscription.renewed_at > first.renewed_at


async def test_a_renewal_that_fails_between_two_syncs_is_tried_again_in_a_minute(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    await rig.pass_time(first.renewal_at - rig.clock.now() - 5 * MINUTE)
    await rig.folder_syncs.request_by_subscription(first.id, Request.SYNC, rig.clock.now())
    await rig.sync_runs()
    rig.subscriptions.failures = [Unavailable("the provider answered 503")] * 60

    made = await rig.pass_time(10 * MINUTE)

    assert len([run for run in made if run.after.last_error]) == 6
    assert (await rig.folder_sync()).last_error == "the provider answered 503"
    assert len(rig.subscriptions.failures) == 54


async def test_another_public_url_is_subscribed_anew(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    rig.subscriptions.endpoint = "https://elsewhere.example/webhooks/microsoft"
    await rig.pass_time(16 * MINUTE)

    second = (await rig.folder_sync()).subscription
    assert second
    assert second.endpoint == rig.subscriptions.endpoint
    assert rig.subscriptions.removed == [first.id]


# --- A provider that wants to be left alone with subscriptions ----------------------------------


LEFT_ALONE = Throttled("Graph answered 429", retry_after=20 * MINUTE)


async def test_a_throttled_renewal_stops_no_sync_and_is_not_tried_before_its_time(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    await rig.pass_time(3 * DAY - MINUTE)
    rig.subscriptions.failures = [LEFT_ALONE, AssertionError("too soon")]  # type: ignore[list-item]
    await rig.pass_time(2 * MINUTE)
    rig.arrive()

    made = await rig.pass_time(10 * MINUTE)

    assert any(run.result for run in made)
    assert await rig.handle_all() == ["m1"]
    folder_sync = await rig.folder_sync()
    assert folder_sync.last_error == "Graph answered 429"
    assert folder_sync.mode is Mode.NOTIFICATIONS
    rig.subscriptions.failures = []
    await rig.pass_time(10 * MINUTE)
    folder_sync = await rig.folder_sync()
    assert folder_sync.subscription
    assert folder_sync.subscription.renewed_at > first.renewed_at
    assert not folder_sync.last_error


async def test_what_a_sync_fails_of_meanwhile_is_no_longer_said_once_it_is_over(rig: Rig) -> None:
    await rig.sync_runs()
    rig.subscriptions.failures = [LEFT_ALONE]
    await rig.pass_time(3 * DAY)
    rig.changes.break_down(SALES, Unavailable("Graph answered 503"))
    await rig.pass_time(MINUTE)
    assert (await rig.folder_sync()).last_error == "Graph answered 503"
    rig.changes.repair(SALES)

    await rig.pass_time(10 * MINUTE)

    assert (await rig.folder_sync()).last_error == "Graph answered 429"


async def test_a_subscription_that_ends_while_it_is_left_alone_is_made_up_for_by_polling(
    rig: Rig,
) -> None:
    await rig.sync_runs()
    rig.subscriptions.failures = [Throttled("Graph answered 429", retry_after=30 * DAY)]
    await rig.pass_time(8 * DAY)
    rig.arrive()

    await rig.pass_time(2 * MINUTE)

    assert await rig.handle_all() == ["m1"]


@pytest.mark.parametrize(
    "failure", [PositionRefused("Graph answered 400"), NoProgress("Graph leads in a circle")]
)
async def test_a_list_that_gets_nowhere_is_its_folders_and_no_outage_of_the_source(
    rig: Rig, failure: Failure
) -> None:
    await rig.sync_runs()
    rig.changes.break_down(SALES, failure)
    await rig.pass_time(HOUR)

    assert (await rig.folder_sync()).last_error == failure.reason
    assert await rig.sources.store.all() == {}


async def test_a_throttled_subscription_is_polled_without_and_made_in_its_time(rig: Rig) -> None:
    rig.subscriptions.failures = [LEFT_ALONE, AssertionError("too soon")]  # type: ignore[list-item]
    rig.arrive()

    await rig.pass_time(19 * MINUTE)

    assert await rig.handle_all() == ["m1"]
    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.polling_reason) == (Mode.POLLING, "Graph answered 429")
    rig.subscriptions.failures = []
    await rig.pass_time(2 * MINUTE)
    assert (await rig.folder_sync()).subscription


async def test_what_was_asked_of_a_throttled_subscription_is_still_to_be_done(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    rig.subscriptions.failures = [LEFT_ALONE]
    await rig.folder_syncs.request_by_subscription(first.id, Request.RECREATE, rig.clock.now())

    await rig.pass_time(19 * MINUTE)
    assert (await rig.folder_sync()).subscription
    await rig.pass_time(2 * MINUTE)

    second = (await rig.folder_sync()).subscription
    assert second
    assert second.id != first.id


async def test_beside_as_many_slow_calls_as_its_source_may_have_a_run_waits_a_little(
    rig: Rig,
) -> None:
    assert isinstance(rig.maintain, MaintainFolder)
    slow_calls = SlowCalls(places=2, slow=timedelta())
    rig.maintain = replace(rig.maintain, slow_calls=slow_calls)
    [due] = await rig.folder_syncs.claim_due(rig.clock.now(), 10, LEASE)

    with slow_calls.calling(SALES.tenant, ["its server"]):
        run = await rig.maintain(due)

    assert (run.result, run.failure) == (None, None)
    assert (await rig.folder_sync()).due_at == rig.clock.now() + AGAIN_AFTER


# --- What the provider asks for -----------------------------------------------------------------


async def _asked(rig: Rig, request: Request) -> str:
    """The provider asks for something in a quiet hour; returns the subscription's id before."""
    await rig.sync_runs()
    rig.clock.advance(HOUR)
    await rig.sync_runs()
    subscription = (await rig.folder_sync()).subscription
    assert subscription
    rig.clock.advance(MINUTE)
    assert await rig.folder_syncs.request_by_subscription(subscription.id, request, rig.clock.now())
    return subscription.id


async def _waiting(rig: Rig) -> int:
    (lane,) = await rig.queue.statistics()
    return lane.ready


async def test_after_missed_notifications_a_sync_is_due_at_once(rig: Rig) -> None:
    await _asked(rig, Request.SYNC)
    rig.arrive()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1"]
    assert not (await rig.folder_sync()).requests


async def test_a_removed_subscription_is_made_anew_and_nothing_falls_into_the_gap(rig: Rig) -> None:
    removed = await _asked(rig, Request.RECREATE)
    rig.subscriptions.lose(removed)
    rig.arrive()
    await rig.sync_runs()

    folder_sync = await rig.folder_sync()
    assert folder_sync.subscription
    assert folder_sync.subscription.id != removed
    assert await rig.handle_all() == ["m1"]


async def test_one_to_be_authorized_again_is_renewed_and_then_synced(rig: Rig) -> None:
    subscription_id = await _asked(rig, Request.RENEW)
    rig.arrive()
    await rig.sync_runs()

    folder_sync = await rig.folder_sync()
    assert folder_sync.subscription
    assert folder_sync.subscription.id == subscription_id
    assert folder_sync.subscription.renewed_at == rig.clock.now()
    assert await rig.handle_all() == ["m1"]


async def test_it_is_not_renewed_twice_within_ten_minutes(rig: Rig) -> None:
    await _asked(rig, Request.RENEW)
    await rig.sync_runs()
    renewed = (await rig.folder_sync()).subscription
    assert renewed
    rig.clock.advance(9 * MINUTE)
    rig.arrive()
    assert await rig.folder_syncs.request_by_subscription(
        renewed.id, Request.RENEW, rig.clock.now()
    )
    await rig.sync_runs()

    assert (await rig.folder_sync()).subscription == renewed
    assert await rig.handle_all() == ["m1"], "what the pause swallowed is found all the same"


async def test_what_was_asked_for_is_still_to_be_done_after_a_failure(rig: Rig) -> None:
    subscription_id = await _asked(rig, Request.RECREATE)
    rig.subscriptions.failures = [Throttled("429", retry_after=5 * MINUTE)]
    await rig.sync_runs()
    assert (await rig.folder_sync()).requests == {Request.RECREATE}

    await rig.pass_time(6 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert not folder_sync.requests
    assert folder_sync.subscription
    assert folder_sync.subscription.id != subscription_id


@pytest.mark.parametrize("request_", [Request.RECREATE, Request.RENEW])
async def test_what_was_asked_for_is_not_done_by_a_sync_if_the_provider_is_away(
    rig: Rig, request_: Request
) -> None:
    asked = await _asked(rig, request_)
    before = (await rig.folder_sync()).subscription
    if request_ is Request.RECREATE:
        rig.subscriptions.lose(asked)
    rig.subscriptions.failures = [Unavailable("Graph answered 500")]
    rig.arrive()
    await rig.sync_runs()
    assert await rig.handle_all() == ["m1"], "it is synced all the same"
    assert (await rig.folder_sync()).subscription == before

    await rig.pass_time(2 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert folder_sync.subscription
    assert folder_sync.subscription.renewed_at >= rig.clock.now() - 2 * MINUTE
    assert await rig.subscriptions.ids(SALES) == [folder_sync.subscription.id]
    assert not folder_sync.requests


async def test_a_sync_that_was_asked_for_is_gone_on_with_until_it_is_complete(rig: Rig) -> None:
    rig.limit_pages(2)
    await _asked(rig, Request.SYNC)
    for _ in range(9):
        rig.arrive(ago=10 * MINUTE)
    await rig.sync_runs()

    assert await _waiting(rig) == 9
    folder_sync = await rig.folder_sync()
    assert (folder_sync.missed_runs, folder_sync.requests) == (0, frozenset())


async def test_an_expired_position_does_not_put_off_a_sync_that_was_asked_for(rig: Rig) -> None:
    await _asked(rig, Request.SYNC)
    rig.arrive()
    rig.changes.expire(SALES)
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1"]


class _Forgetful(InMemoryChanges):
    """It knows none of the positions that it has given."""

    async def since(self, *_: object) -> AsyncIterator[ChangesPage]:
        raise PositionExpired
        yield


async def test_a_provider_that_knows_no_position_is_asked_once_a_minute(rig: Rig) -> None:
    rig.use_changes(_Forgetful())
    made = await rig.pass_time(10 * MINUTE)

    assert len(made) < 15
    assert (await rig.folder_sync()).last_error == "a position expired as soon as it was taken"
    rig.arrive()
    await rig.pass_time(MINUTE)
    assert await rig.handle_all() == ["m1"], "what is owed is listed by date"


# --- Where notifications cannot come from ---------------------------------------------------------


async def test_without_a_public_url_a_folder_is_polled_every_minute(rig: Rig) -> None:
    rig.subscriptions.obstructed = "no public URL"
    await rig.sync_runs()
    rig.arrive()
    await rig.pass_time(MINUTE)

    assert await rig.handle_all() == ["m1"]
    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.polling_reason) == (Mode.POLLING, "no public URL")


async def test_polling_ends_as_soon_as_what_stood_in_the_way_is_gone(rig: Rig) -> None:
    rig.subscriptions.obstructed = "no public URL"
    await rig.sync_runs()
    rig.subscriptions.obstructed = ""
    await rig.pass_time(MINUTE)

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.NOTIFICATIONS
    assert folder_sync.subscription
    assert not folder_sync.missed_runs


async def test_an_endpoint_that_is_not_up_yet_is_subscribed_to_seconds_later(rig: Rig) -> None:
    rig.subscriptions.refusal = "validation failed"
    await rig.sync_runs()
    assert (await rig.folder_sync()).polling_reason == "validation failed"
    rig.subscriptions.refusal = ""
    await rig.pass_time(timedelta(seconds=10))

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.NOTIFICATIONS
    assert (folder_sync.missed_runs, folder_sync.refusals) == (0, 0)


async def test_an_endpoint_that_stays_out_of_reach_is_tried_ever_less_often(rig: Rig) -> None:
    rig.subscriptions.refusal = "validation failed"
    made = await rig.pass_time(2 * DAY)

    tries = [kept.after.refusals for kept in made if kept.after.refusals > kept.before.refusals]
    assert tries == list(range(1, 16))
    folder_sync = await rig.folder_sync()
    assert folder_sync.probe_at
    assert timedelta() < folder_sync.probe_at - rig.clock.now() <= DAY
    rig.arrive()
    await rig.pass_time(MINUTE)
    assert await rig.handle_all() == ["m1"], "it is polled meanwhile"


async def test_a_folder_that_can_be_read_and_not_subscribed_to_is_polled(rig: Rig) -> None:
    rig.subscriptions.failures = [AccessFailed("Graph answered 403 ErrorAccessDenied")]
    rig.arrive()
    await rig.sync_runs()

    assert await rig.handle_all() == ["m1"]
    assert (await rig.folder_sync()).mode is Mode.POLLING
    assert not (await rig.mailbox()).access.failures


async def test_while_no_subscription_can_be_made_a_folder_is_synced_every_minute(
    rig: Rig,
) -> None:
    rig.subscriptions.failures = [Unavailable("Graph answered 500")] * 10
    await rig.sync_runs()
    rig.arrive()
    await rig.pass_time(MINUTE)

    assert await rig.handle_all() == ["m1"]


# --- What is missed -----------------------------------------------------------------------------


async def _missed_run(rig: Rig) -> None:
    """Mail comes that nobody announces, and the next sync finds it too late."""
    await rig.pass_time(MINUTE)
    rig.arrive()
    await rig.pass_time(15 * MINUTE)


async def test_three_missed_runs_end_in_polling_and_a_probe_brings_notifications(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    for run in range(3):
        assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS, run
        await _missed_run(rig)

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.POLLING
    assert "no notification had announced" in folder_sync.polling_reason
    assert rig.subscriptions.removed == [first.id]
    assert await rig.handle_all() == ["m1", "m2", "m3"]
    await rig.pass_time(DAY)
    assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS


async def test_notifications_that_came_back_are_given_one_more_missed_run(rig: Rig) -> None:
    await rig.sync_runs()
    for _ in range(3):
        await _missed_run(rig)
    await rig.pass_time(DAY)
    await _missed_run(rig)

    assert (await rig.folder_sync()).mode is Mode.POLLING


async def test_a_sync_that_finds_what_was_announced_begins_the_count_anew(rig: Rig) -> None:
    await rig.sync_runs()
    for _ in range(2):
        await _missed_run(rig)
    await rig.arrive_and_notify()
    await rig.pass_time(16 * MINUTE)
    for _ in range(2):
        await _missed_run(rig)

    assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS


async def test_a_sync_that_finds_nothing_proves_nothing(rig: Rig) -> None:
    await rig.sync_runs()
    for _ in range(3):
        await _missed_run(rig)
        await rig.pass_time(HOUR)

    assert (await rig.folder_sync()).mode is Mode.POLLING


async def test_a_sync_in_many_parts_is_one_missed_run(rig: Rig) -> None:
    rig.limit_pages(2)
    await rig.sync_runs()
    await rig.pass_time(MINUTE)
    for _ in range(13):
        rig.arrive()
    await rig.pass_time(15 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert await _waiting(rig) == 13
    assert (folder_sync.mode, folder_sync.missed_runs) == (Mode.NOTIFICATIONS, 1)


async def test_a_notification_may_be_some_minutes_late(rig: Rig) -> None:
    await rig.sync_runs()
    for _ in range(5):
        await rig.pass_time(14 * MINUTE)
        rig.arrive()
        await rig.pass_time(MINUTE)

    assert (await rig.folder_sync()).missed_runs == 0


@pytest.mark.parametrize("request_", list(Request))
async def test_what_the_provider_owned_up_to_is_not_missed(rig: Rig, request_: Request) -> None:
    await _asked(rig, request_)
    rig.arrive(ago=10 * MINUTE)
    await rig.sync_runs()

    assert (await rig.folder_sync()).missed_runs == 0


@pytest.mark.parametrize("failure", [AccessFailed("403"), Unavailable("503")])
async def test_what_came_in_during_a_failure_is_not_missed(rig: Rig, failure: Failure) -> None:
    await rig.sync_runs()
    for _ in range(4):
        rig.changes.break_down(SALES, failure)
        await rig.pass_time(16 * MINUTE)
        rig.arrive(ago=10 * MINUTE)
        rig.changes.repair(SALES)
        await rig.pass_time(6 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.missed_runs) == (Mode.NOTIFICATIONS, 0)


async def test_while_only_messages_could_not_be_read_nothing_was_missed(rig: Rig) -> None:
    await rig.sync_runs()
    await rig.access.failed(await rig.mailbox(), AccessFailed("403"))
    await rig.pass_time(MINUTE)
    rig.arrive()
    await rig.pass_time(15 * MINUTE)

    assert await _waiting(rig) == 1
    assert (await rig.folder_sync()).missed_runs == 0


# --- Time ----


class _Stalling(InMemoryChanges):
    """It never answers."""

    async def since(self, *_: object) -> AsyncIterator[ChangesPage]:
        await asyncio.Event().wait()
        yield ChangesPage((), "", is_last=True)


async def test_a_run_is_cut_off_while_nobody_else_may_claim_its_folder(rig: Rig) -> None:
    asked = await _asked(rig, Request.SYNC)
    rig.use_changes(_Stalling(), max_run=timedelta())
    async with asyncio.timeout(BOUND):
        (kept,) = await rig.sync_runs()

    assert kept.after.last_error == "the run took too long"
    assert kept.after.requests == {Request.SYNC}
    assert kept.after.subscription
    assert kept.after.subscription.id == asked
    assert kept.after.due_at == rig.clock.now() + MINUTE
    assert MAX_RUN < LEASE


# --- Access -------------------------------------------------------------------------------------

REVOKED = AccessFailed("Graph answered 403 ErrorAccessDenied")


async def test_a_mailbox_is_closed_when_its_access_fails_for_ten_minutes(rig: Rig) -> None:
    await rig.sync_runs()
    rig.changes.break_down(SALES, REVOKED)
    await rig.pass_time(15 * MINUTE + 9 * MINUTE)
    assert not (await rig.mailbox()).paused

    await rig.pass_time(2 * MINUTE)

    paused = (await rig.mailbox()).paused
    assert paused
    assert (paused.by, paused.reason) == (PausedBy.ACCESS, REVOKED.reason)
    assert (await rig.folder_sync()).last_error == REVOKED.reason


async def test_a_folder_that_is_not_there_does_not_close_the_mailbox(rig: Rig) -> None:
    await rig.sync_runs()
    rig.changes.remove_folder(SALES, "inbox")
    await rig.pass_time(HOUR)

    assert (await rig.folder_sync()).last_error == "the mailbox has no such folder"
    mailbox = await rig.mailbox()
    assert not mailbox.paused
    assert not mailbox.access.failures


async def test_a_closed_mailbox_opens_by_itself_and_then_catches_up(rig: Rig) -> None:
    await rig.sync_runs()
    rig.changes.break_down(SALES, REVOKED)
    await rig.pass_time(HOUR)
    rig.arrive()
    rig.changes.repair(SALES)
    await rig.pass_time(6 * MINUTE)

    mailbox = await rig.mailbox()
    assert not mailbox.paused
    assert not mailbox.access.failures
    assert await rig.handle_all() == ["m1"]


async def test_what_a_person_paused_is_left_alone_until_they_resume_it(rig: Rig) -> None:
    await rig.sync_runs()
    pause = Pause(PausedBy.OPERATOR, "we move house", rig.clock.now())
    await rig.registry.pause(SALES.tenant, SALES.id, pause)
    rig.arrive()
    await rig.pass_time(DAY)

    assert (await rig.mailbox()).paused == pause
    assert rig.changes.listed == 0
    await rig.registry.resume(SALES.tenant, SALES.id)
    await rig.sync_runs()
    assert await rig.handle_all() == ["m1"]


async def test_a_subscription_that_ended_in_a_long_pause_is_made_anew(rig: Rig) -> None:
    await rig.sync_runs()
    first = (await rig.folder_sync()).subscription
    assert first
    pause = Pause(PausedBy.OPERATOR, "we move house", rig.clock.now())
    await rig.registry.pause(SALES.tenant, SALES.id, pause)
    await rig.pass_time(10 * DAY)
    await rig.registry.resume(SALES.tenant, SALES.id)
    await rig.sync_runs()

    second = (await rig.folder_sync()).subscription
    assert second
    assert second.id != first.id


async def test_a_mailbox_that_is_gone_is_not_received_any_more(rig: Rig) -> None:
    (folder_sync,) = await rig.folder_syncs.claim_due(rig.clock.now(), 1, HOUR)
    await rig.registry.remove(SALES.tenant, SALES.id)

    kept = await rig.maintain(folder_sync)

    assert kept.after == replace(folder_sync, due_at=kept.after.due_at)
    assert await rig.folder_syncs.all() == []
    assert await rig.subscriptions.ids(SALES) == []
