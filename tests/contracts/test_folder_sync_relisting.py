"""What every FolderSyncs promises of mail that the queue has lost."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postroom.application.ports import FolderSyncs, MailboxRegistry, QueueContents, QueueWitness
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.queue_loss import RELIST_MARGIN, Held, Lane, QueueLoss
from tests.contracts.claiming import (
    LATER,
    LEASE,
    TOMORROW,
    claim_one,
    failed,
    stored,
    subscribed,
)
from tests.contracts.samples import NOON, microsoft_mailbox

PORTS = {FolderSyncs}

DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta.resolution
LOST_AT = NOON + 30 * DAY


def loss(since: datetime, lanes: Mapping[Lane, datetime] | None = None) -> QueueLoss:
    held = Held(since=since, lanes=lanes or {})
    return QueueLoss(noticed_at=LOST_AT, last_beat_at=LOST_AT, held=held)


async def test_every_folder_of_the_tenant_lists_from_before_its_oldest_job(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox(name="desk"))
    await registry.add(microsoft_mailbox("globex"))
    for each in await folder_syncs.claim_due(NOON, 10, LEASE):
        await folder_syncs.save(replace(each, due_at=TOMORROW))
    lanes = {("acme", "desk"): NOON + DAY, ("globex", "sales"): NOON}

    assert await folder_syncs.request_relisting("acme", loss(NOON + 2 * DAY, lanes), LATER) == 3

    due = await folder_syncs.claim_due(LATER, 10, LEASE)
    oldest = {"desk": NOON + DAY, "sales": NOON + 2 * DAY}
    assert len(due) == 3
    for each in due:
        assert each.backfill_from == oldest[each.mailbox] - RELIST_MARGIN - TICK
        assert each.lost_at == LOST_AT
        assert each.requests == {Request.SYNC}


async def test_mail_from_before_the_mailbox_was_added_stays_where_it_is(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.request_relisting("acme", loss(NOON + HOUR), LATER)

    assert (await stored(folder_syncs)).backfill_from == NOON - TICK


async def test_a_backfill_that_goes_on_begins_again_if_it_had_come_further(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.move_backfill(claimed, None, NOON + 3 * DAY)

    await folder_syncs.request_relisting("acme", loss(NOON + 2 * DAY), LATER)

    assert (await stored(folder_syncs)).backfill_from == NOON + 2 * DAY - RELIST_MARGIN - TICK


async def test_a_run_that_queued_mail_before_the_loss_does_not_move_past_it(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    """Even where its backfill is at just the moment from which all is to be listed."""
    await folder_syncs.move_backfill(claimed, None, NOON)
    await folder_syncs.request_relisting("acme", loss(NOON + 2 * DAY), LATER)

    assert not await folder_syncs.move_backfill(claimed, NOON, NOON + DAY)

    assert (await stored(folder_syncs)).backfill_from == NOON - TICK


async def test_it_waits_for_the_retry_of_a_run_that_failed(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(failed(claimed, LEASE))

    await folder_syncs.request_relisting("acme", loss(NOON), LATER)

    assert await folder_syncs.claim_due(LATER, 10, LEASE) == []
    assert (await claim_one(folder_syncs, NOON + LEASE)).lost_at == LOST_AT


async def test_it_is_over_when_the_list_by_date_is_at_its_end(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.request_relisting("acme", loss(NOON), LATER)
    await folder_syncs.save(subscribed(claimed))
    run = await claim_one(folder_syncs, LATER)

    assert await folder_syncs.move_backfill(run, run.backfill_from, NOON + HOUR)
    await folder_syncs.save(subscribed(run))
    assert (await stored(folder_syncs)).lost_at == LOST_AT

    assert await folder_syncs.move_backfill(run, NOON + HOUR, None)
    assert (await stored(folder_syncs)).lost_at is None


# --- Lists that reach far back ---


async def test_what_a_list_far_back_has_queued_is_listed_again(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    """A person has asked for mail from before the mailbox was added, and it was in the queue."""
    for days in (3, 2):
        await folder_syncs.record_reach(claimed, NOON - days * DAY, NOON + DAY)

    await folder_syncs.request_relisting("acme", loss(NOON + DAY + HOUR), LATER)

    assert (await stored(folder_syncs)).backfill_from == NOON - 3 * DAY - TICK


async def test_what_such_a_list_has_queued_and_is_done_is_not_listed_again(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.record_reach(claimed, NOON - 3 * DAY, NOON + DAY)
    done = NOON + DAY + RELIST_MARGIN + HOUR

    await folder_syncs.request_relisting("acme", loss(done), LATER)

    assert (await stored(folder_syncs)).backfill_from == done - RELIST_MARGIN - TICK


@pytest.mark.parametrize(("age", "reaches"), [(DAY, 2), (9 * DAY, 30)])
async def test_a_list_that_reached_further_is_remembered_while_the_queue_may_hold_its_jobs(
    folder_syncs: FolderSyncs,
    witness: QueueWitness,
    claimed: FolderSync,
    age: timedelta,
    reaches: int,
) -> None:
    await witness.confirm((await witness.next_beat()).number, floor=0)
    await witness.record_survey(QueueContents({("acme", "sales"): age}, 0), [])
    lost = await witness.record_loss(1)
    assert lost
    now = lost.noticed_at
    await folder_syncs.record_reach(claimed, NOON - 30 * DAY, now - 8 * DAY)
    await folder_syncs.record_reach(claimed, NOON - 2 * DAY, now)

    await folder_syncs.request_relisting("acme", replace(lost, held=Held(since=now)), LATER)

    assert (await stored(folder_syncs)).backfill_from == NOON - reaches * DAY - TICK


async def test_a_folder_that_is_gone_remembers_nothing(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await registry.remove("acme", "sales")

    await folder_syncs.record_reach(claimed, NOON - DAY, NOON)

    assert await folder_syncs.all() == []
