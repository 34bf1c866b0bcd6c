"""What a sync of a folder lists, queues, and remembers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ingest_pointer import Ingest, Ingested, MailboxRef
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangesPage,
    NoProgress,
    OutcomeRecord,
    PositionRefused,
)
from postroom.application.resync_mailbox import Resynced
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import SOURCE_UNAVAILABLE, Dead, Skipped
from postroom.domain.pointer import Pointer
from postroom.domain.sync_result import SyncResult
from tests.contracts.samples import microsoft_mailbox
from tests.unit.sync_rig import SALES, Rig

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    return rig


class _Refusing(Ingest):
    async def __call__(self, *_: object, **__: object) -> Ingested:
        raise Unavailable("Redis is away")


@dataclass
class _Interrupting(Ingest):
    """Before it queues anything, another sync of the same folder goes all the way."""

    rig: Rig

    async def __call__(
        self,
        mailbox: MailboxRef,
        pointers: Sequence[Pointer],
        *,
        traceparent: str = "",  # noqa: ARG002 - of the port
        backfilled: bool = False,
    ) -> Ingested:
        await self.rig.sync(SALES, await self.rig.claimed())
        return await self.rig.ingest(mailbox, pointers, backfilled=backfilled)


async def _sync(rig: Rig, *, synced_at: datetime | None = None) -> SyncResult:
    """What syncs find until one is complete."""
    found = SyncResult()
    while not found.complete:
        folder_sync = replace(await rig.claimed(), synced_at=synced_at)
        found += await rig.sync(SALES, folder_sync)
    return found


async def test_what_is_new_is_queued_and_what_is_queued_is_not_queued_again(rig: Rig) -> None:
    rig.arrive()
    await rig.arrive_and_notify()

    assert await _sync(rig) == SyncResult(listed=2, queued=1, missed=0, complete=True)
    assert await rig.handle_all() == ["m2", "m1"]


async def test_what_has_ended_is_neither_queued_nor_fetched_again(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await rig.handle_all()

    found = await _sync(rig)

    assert (found.listed, found.queued) == (1, 0)
    assert await rig.handle_all() == []


async def test_what_was_said_to_be_gone_and_is_listed_all_the_same_is_tried_again(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await rig.handle_all(Skipped(f"{SOURCE_UNAVAILABLE}: Graph answered 404 ErrorItemNotFound"))

    assert (await _sync(rig)).queued == 1
    assert await rig.handle_all() == ["m1"]


async def test_a_later_sync_lists_only_what_came_since(rig: Rig) -> None:
    rig.arrive()
    await _sync(rig)
    rig.arrive()

    assert (await _sync(rig)).listed == 1
    assert (await _sync(rig)).listed == 0


async def test_older_mail_than_the_mailbox_is_left_alone(rig: Rig) -> None:
    rig.arrive(ago=MINUTE)
    rig.arrive()
    await _sync(rig)

    assert await rig.handle_all() == ["m2"]


async def test_the_position_moves_only_over_what_is_queued(rig: Rig) -> None:
    rig.changes.page_size = 2
    await _sync(rig)
    for _ in range(5):
        rig.arrive()
    rig.changes.break_down(SALES, Unavailable("Graph answered 503"), after_pages=2)

    with pytest.raises(Unavailable):
        await _sync(rig)

    assert await rig.handle_all() == ["m1", "m2", "m3", "m4"]
    rig.changes.repair(SALES)
    assert await _sync(rig) == SyncResult(listed=1, queued=1, missed=0, complete=True)


async def test_nothing_is_skipped_where_nothing_can_be_queued(rig: Rig) -> None:
    await _sync(rig)
    rig.arrive()
    before = (await rig.folder_sync()).position
    sync = replace(rig.sync, ingest=_Refusing())

    with pytest.raises(Unavailable):
        await sync(SALES, await rig.claimed())

    assert (await rig.folder_sync()).position == before
    assert (await _sync(rig)).queued == 1


async def test_a_sync_is_bounded_and_the_next_goes_on_from_there(rig: Rig) -> None:
    rig.changes.page_size = 1
    await _sync(rig)
    for _ in range(5):
        rig.arrive()
    sync = replace(rig.sync, max_pages=2)

    first, second, third = [await sync(SALES, await rig.claimed()) for _ in range(3)]

    assert (first.listed, second.listed, third.listed) == (2, 2, 1)
    assert (first.complete, second.complete, third.complete) == (False, False, True)


async def test_a_bounded_list_by_date_goes_on_by_date(rig: Rig) -> None:
    rig.changes.page_size = 1
    for _ in range(4):
        rig.clock.advance(MINUTE)
        rig.arrive()
    sync = replace(rig.sync, max_pages=2)

    completed = [(await sync(SALES, await rig.claimed())).complete for _ in range(4)]

    assert completed == [False, False, False, True]
    assert await rig.handle_all() == ["m1", "m2", "m3", "m4"]


async def test_a_list_by_date_that_is_cut_off_goes_on_where_it_was(rig: Rig) -> None:
    rig.changes.page_size = 10
    for _ in range(40):
        rig.clock.advance(MINUTE)
        rig.arrive()
    await _sync(rig)
    await rig.handle_all()
    await rig.resync(SALES, SALES.added_at)
    rig.changes.listed = 0

    for _ in range(2):
        rig.changes.break_down(SALES, Unavailable("Graph answered 503"), after_pages=2)
        with pytest.raises(Unavailable):
            await _sync(rig)
    rig.changes.repair(SALES)
    found = await _sync(rig)

    assert found.complete
    assert rig.changes.listed < 60, "pages that were listed are not listed all over again"


class _Busy(InMemoryChanges):
    """A message comes in right after each place that is taken."""

    rig: Rig

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        position = await super().position(mailbox, folder)
        self.rig.arrive()
        return position


async def test_what_comes_in_while_a_sync_begins_is_in_it_or_in_the_next(rig: Rig) -> None:
    busy = _Busy()
    busy.rig = rig
    rig.use_changes(busy)
    rig.arrive()

    found = await _sync(rig)

    assert found.complete
    assert sorted(await rig.handle_all()) == ["m1", "m2"]


async def test_a_sync_that_dies_before_it_has_a_position_begins_anew(rig: Rig) -> None:
    rig.arrive()
    rig.changes.break_down(SALES, Unavailable("Graph answered 503"))
    with pytest.raises(Unavailable):
        await _sync(rig)
    rig.changes.repair(SALES)
    rig.arrive()
    await _sync(rig)

    assert await rig.handle_all() == ["m1", "m2"]


async def test_an_expired_position_is_no_gap(rig: Rig) -> None:
    await _sync(rig)
    looked = rig.clock.now()
    rig.clock.advance(DAY)
    rig.arrive()
    rig.changes.expire(SALES)
    rig.arrive(ago=20 * HOUR)

    found = await _sync(rig, synced_at=looked)

    assert found == SyncResult(listed=2, queued=2, missed=0, complete=True)
    rig.arrive()
    assert (await _sync(rig, synced_at=looked)).listed == 1


async def test_a_list_by_date_reaches_back_an_hour_and_not_to_the_beginning(rig: Rig) -> None:
    await _sync(rig)
    for _ in range(3):
        rig.clock.advance(HOUR)
        rig.arrive()
    rig.changes.expire(SALES)

    found = await _sync(rig, synced_at=rig.clock.now())

    assert found.listed == 2


async def test_a_resync_lists_again_from_the_given_moment_and_fetches_nothing_twice(
    rig: Rig,
) -> None:
    rig.arrive()
    await _sync(rig)
    await rig.handle_all()
    missed = Arrival(MicrosoftPointer("", "missed"), rig.clock.now() - DAY)
    rig.changes.deliver(SALES, missed)
    await _sync(rig)
    await rig.handle_all()
    rig.changes.deliver(SALES, replace(missed, pointer=MicrosoftPointer("", "older")))

    await rig.resync(SALES, rig.clock.now() - 2 * DAY)
    assert (await _sync(rig)).queued == 1
    assert await rig.handle_all() == ["older"]


async def test_a_resync_that_comes_as_a_sync_begins_anew_hides_nothing_older(rig: Rig) -> None:
    await _sync(rig)
    rig.clock.advance(2 * DAY)
    rig.arrive(ago=DAY)
    rig.changes.expire(SALES)

    claimed = await rig.claimed()
    await rig.resync(SALES, rig.clock.now() - HOUR)
    await rig.sync(SALES, claimed)
    await _sync(rig)

    assert await rig.handle_all() == ["m1"]


async def test_two_syncs_at_once_queue_everything_once(rig: Rig) -> None:
    await _sync(rig)
    rig.arrive()
    folder_sync = await rig.claimed()
    other = replace(rig.sync, ingest=_Interrupting(rig))

    await other(SALES, folder_sync)

    assert await rig.handle_all() == ["m1"]


@pytest.mark.parametrize(("ago", "expected"), [(4, 0), (6, 1), (30, 0)])
async def test_mail_is_missed_if_a_notification_of_it_should_have_come(
    rig: Rig, ago: int, expected: int
) -> None:
    await rig.sync_runs()
    rig.clock.advance(20 * MINUTE)
    rig.arrive(ago=ago * MINUTE)

    assert (await rig.sync(SALES, await rig.claimed())).missed == expected


# --- What is too old to be new -------------------------------------------------------------------


async def test_mail_that_arrives_with_an_old_date_is_recorded_as_skipped(rig: Rig) -> None:
    await _sync(rig)
    rig.arrive(ago=31 * DAY)
    rig.arrive(ago=29 * DAY)

    result = await _sync(rig)

    assert (result.listed, result.queued, result.too_old) == (2, 1, 1)
    assert await rig.handle_all() == ["m2"]
    [skipped] = [
        each for each in await rig.outcomes.find(SALES.tenant) if isinstance(each.outcome, Skipped)
    ]
    assert skipped.outcome == Skipped("older than inbound mail may be (30 days)")


async def test_what_a_person_asks_for_is_never_too_old(rig: Rig) -> None:
    await _sync(rig)
    rig.arrive(ago=31 * DAY)
    await _sync(rig)

    await rig.resync(SALES, rig.clock.now() - 40 * DAY)
    await _sync(rig)

    [claim] = await rig.queue.claim(10, DAY)
    assert claim.job.backfilled


# --- What is dead, and wanted again --------------------------------------------------------------


async def _die(rig: Rig) -> None:
    """All that is queued ends in the dead letters, and its outcome says so."""
    for claim in await rig.queue.claim(10, DAY):
        await rig.queue.bury(claim, "gave up")
        dead = OutcomeRecord(job=claim.job, outcome=Dead("gave up"), attempt=1, at=rig.clock.now())
        await rig.outcomes.record(dead)
    rig.clock.advance(MINUTE)


async def test_a_resync_leaves_alone_what_is_dead(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await _die(rig)

    resynced = await rig.resync(SALES, SALES.added_at)
    await _sync(rig)

    assert resynced == Resynced(folders=1)
    assert await rig.handle_all() == []


async def test_dead_letters_are_queued_again_at_once_if_that_is_wanted(rig: Rig) -> None:
    for _ in range(2):
        await rig.arrive_and_notify()
    await _die(rig)
    await rig.arrive_and_notify()
    await rig.handle_all()

    resynced = await rig.resync(SALES, SALES.added_at, dead=True)

    assert resynced == Resynced(folders=1, redriven=2)
    assert sorted(await rig.handle_all()) == ["m1", "m2"]
    await _sync(rig)
    assert await rig.handle_all() == []


async def test_those_of_other_mailboxes_are_left_where_they_are(rig: Rig) -> None:
    for other in (microsoft_mailbox("globex"), microsoft_mailbox(name="support")):
        await rig.ingest(other, [MicrosoftPointer("", "theirs")])
    await _die(rig)

    resynced = await rig.resync(SALES, SALES.added_at, dead=True)

    assert resynced.redriven == 0
    assert len((await rig.queue.dead_letters()).letters) == 2


async def test_a_dead_letter_that_redis_has_lost_is_found_by_the_list(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await _die(rig)
    await rig.arrive_and_notify()
    await rig.handle_all()
    rig.queue.forget()

    resynced = await rig.resync(SALES, SALES.added_at, dead=True)
    found = await _sync(rig)

    assert (resynced.redriven, found.queued) == (0, 1)
    assert await rig.handle_all() == ["m1"]


async def test_a_list_that_is_cut_off_still_knows_that_dead_ones_are_wanted(rig: Rig) -> None:
    rig.changes.page_size = 1
    for _ in range(3):
        rig.clock.advance(MINUTE)
        await rig.arrive_and_notify()
    await _die(rig)
    rig.queue.forget()
    await rig.resync(SALES, SALES.added_at, dead=True)

    rig.changes.break_down(SALES, Unavailable("Graph answered 503"), after_pages=2)
    with pytest.raises(Unavailable):
        await _sync(rig)
    rig.changes.repair(SALES)
    await _sync(rig)

    assert sorted(await rig.handle_all()) == ["m1", "m2", "m3"]
    assert (await rig.folder_sync()).dead_before is None


async def test_what_dies_again_is_not_queued_again_by_the_same_list(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await _die(rig)
    await rig.resync(SALES, SALES.added_at, dead=True)
    await _die(rig)

    await _sync(rig)

    assert await rig.handle_all() == []
    assert len((await rig.queue.dead_letters()).letters) == 1


async def test_the_list_queues_no_job_beside_its_dead_letter(rig: Rig) -> None:
    """It lies there still if it died as the others were queued again."""
    await rig.arrive_and_notify()
    await _die(rig)
    now = rig.clock.now()
    await rig.folder_syncs.request_backfill(
        SALES.tenant, SALES.id, SALES.added_at, now, dead_before=now
    )

    assert (await _sync(rig)).queued == 1

    assert (await rig.queue.dead_letters()).letters == []
    assert await rig.handle_all() == ["m1"]


async def test_a_list_that_goes_on_from_the_position_leaves_dead_ones_alone(rig: Rig) -> None:
    await rig.arrive_and_notify()
    await _die(rig)
    await rig.resync(SALES, rig.clock.now(), dead=False)
    folder_sync = replace(await rig.claimed(), backfill_from=None, dead_before=rig.clock.now())

    await rig.sync(SALES, folder_sync)

    assert await rig.handle_all() == []


# --- A list that gets nowhere -------------------------------------------------------------------


@dataclass
class Circular(InMemoryChanges):
    """Leads from its second page to its first, for as long as it *is_lost*."""

    is_lost: bool = True

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        if not self.is_lost:
            async for page in super().since(mailbox, folder, position):
                yield page
            return
        for each in ("7000001", "7000002", "7000001", "7000002"):
            yield ChangesPage([], each, is_last=False)


async def test_a_circle_is_told_and_the_next_sync_begins_anew(rig: Rig) -> None:
    await _sync(rig)
    before, circular = rig.clock.now(), Circular()
    rig.use_changes(circular)

    with pytest.raises(NoProgress, match="leads in a circle"):
        await _sync(rig, synced_at=before)

    assert (await rig.folder_sync()).position == ""
    rig.arrive()
    circular.is_lost = False
    assert (await _sync(rig, synced_at=before)).queued == 1
    assert (await rig.folder_sync()).position


async def test_a_circle_is_seen_over_several_short_syncs(rig: Rig) -> None:
    await _sync(rig)
    rig.use_changes(Circular())
    rig.sync = replace(rig.sync, max_pages=1)

    with pytest.raises(NoProgress):
        await _sync(rig)


async def test_a_list_by_date_that_lists_the_same_for_ever_ends(rig: Rig) -> None:
    @dataclass
    class Repeating(InMemoryChanges):
        async def received_after(self, mailbox: Mailbox, *_: object) -> AsyncIterator[BackfillPage]:
            while True:
                yield BackfillPage(self.arrivals(mailbox))

    rig.use_changes(Repeating())
    rig.arrive()

    with pytest.raises(NoProgress, match="nothing new for 200 pages"):
        await _sync(rig)

    assert await rig.handle_all() == ["m1"]


async def test_a_slow_list_is_left_after_a_while_and_gone_on_with_by_the_next_sync(
    rig: Rig,
) -> None:
    await _sync(rig)
    rig.changes.page_size = 1
    rig.sync = replace(rig.sync, max_time=timedelta())
    for _ in range(3):
        rig.arrive()

    found = [await rig.sync(SALES, await rig.claimed()) for _ in range(3)]

    assert [each.listed for each in found] == [1, 1, 1]
    assert [each.complete for each in found] == [False, False, True]


# --- A position that is refused -----------------------------------------------------------------


REFUSED = PositionRefused("Graph answered 400 BadRequest")


async def test_a_position_that_is_refused_once_may_be_good_all_the_same(rig: Rig) -> None:
    await _sync(rig)
    position = (await rig.folder_sync()).position
    rig.changes.break_down(SALES, REFUSED)

    with pytest.raises(PositionRefused):
        await _sync(rig)

    assert (await rig.folder_sync()).position == position


async def test_a_position_that_is_refused_twice_in_a_row_has_expired(rig: Rig) -> None:
    await _sync(rig)
    rig.clock.advance(HOUR)
    rig.arrive()
    rig.changes.refuse_positions(SALES, REFUSED)
    refused = replace(await rig.claimed(), last_error=REFUSED.reason, synced_at=rig.clock.now())

    assert not (await rig.sync(SALES, refused)).complete
    assert (await _sync(rig)).queued == 1


async def test_another_failure_in_between_begins_the_count_anew(rig: Rig) -> None:
    await _sync(rig)
    rig.changes.break_down(SALES, REFUSED)
    failed = replace(await rig.claimed(), last_error="Graph answered 503")

    with pytest.raises(PositionRefused):
        await rig.sync(SALES, failed)
