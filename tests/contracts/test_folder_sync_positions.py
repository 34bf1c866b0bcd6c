"""What every FolderSyncs promises of how far a folder was listed, and of what is to be again."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from postroom.application.ports import FolderSyncs, MailboxRegistry
from postroom.domain.folder_sync import FolderSync, Request
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

EARLIER = NOON - timedelta(days=3)


async def test_a_position_that_is_moved_is_there_at_once(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    assert await folder_syncs.move_position(claimed, "position-1", LATER)

    moved = replace(claimed, position="position-1", position_at=LATER)
    assert await folder_syncs.all() == [moved]
    again = await claim_one(folder_syncs, NOON + LEASE)
    assert again == replace(moved, token=again.token)


async def test_a_backfill_moves_from_where_it_stands_to_its_end(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    moments = [None, EARLIER, NOON + timedelta(microseconds=1), None]

    for before, after in pairwise(moments):
        assert await folder_syncs.move_backfill(claimed, before, after)
        assert await folder_syncs.all() == [replace(claimed, backfill_from=after)]


@pytest.mark.parametrize("before", [None, LATER])
async def test_a_backfill_that_stands_elsewhere_does_not_move(
    folder_syncs: FolderSyncs, claimed: FolderSync, before: datetime | None
) -> None:
    await folder_syncs.move_backfill(claimed, None, NOON)

    assert not await folder_syncs.move_backfill(claimed, before, TOMORROW)

    assert (await stored(folder_syncs)).backfill_from == NOON


async def test_a_run_that_is_saved_moves_neither(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.move_position(claimed, "position-1", NOON)
    await folder_syncs.move_backfill(claimed, None, NOON)

    await folder_syncs.save(
        replace(subscribed(claimed), position="other", position_at=LATER, backfill_from=LATER)
    )

    after = await stored(folder_syncs)
    assert (after.position, after.position_at) == ("position-1", NOON)
    assert after.backfill_from == NOON


async def test_only_the_folder_that_is_claimed_is_moved(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=("a", "b")))
    first, *others = await folder_syncs.claim_due(NOON, 10, LEASE)

    await folder_syncs.move_position(first, "position-1", NOON)
    await folder_syncs.move_backfill(first, None, NOON)

    moved = replace(first, position="position-1", position_at=NOON, backfill_from=NOON)
    assert await folder_syncs.all() == [moved, *others]


# --- What a person asks for ---


async def test_a_backfill_that_is_requested_is_seen_by_the_next_run_of_every_folder(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox(name="other"))
    await registry.add(microsoft_mailbox("globex"))
    for each in await folder_syncs.claim_due(NOON, 10, LEASE):
        await folder_syncs.save(replace(each, due_at=TOMORROW))

    assert await folder_syncs.request_backfill("acme", "sales", EARLIER, LATER) == 2

    due = await folder_syncs.claim_due(LATER, 10, LEASE)
    assert {(f.mailbox, f.folder, f.backfill_from) for f in due} == {
        ("sales", "a", EARLIER),
        ("sales", "b", EARLIER),
    }
    assert {f.requests for f in due} == {frozenset({Request.SYNC})}
    assert await folder_syncs.request_backfill("acme", "unknown", EARLIER, LATER) == 0


@pytest.mark.parametrize(("since", "stays"), [(EARLIER, EARLIER), (LATER, NOON)])
async def test_of_two_backfills_the_earlier_is_to_be_made(
    folder_syncs: FolderSyncs, claimed: FolderSync, since: datetime, stays: datetime
) -> None:
    await folder_syncs.move_backfill(claimed, None, NOON)

    await folder_syncs.request_backfill("acme", "sales", since, LATER)

    assert (await stored(folder_syncs)).backfill_from == stays


async def test_a_backfill_does_not_move_past_an_earlier_one_that_was_requested_meanwhile(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.move_backfill(claimed, None, NOON)
    await folder_syncs.request_backfill("acme", "sales", EARLIER, LATER)

    assert not await folder_syncs.move_backfill(claimed, NOON, None)

    assert (await stored(folder_syncs)).backfill_from == EARLIER
    await folder_syncs.save(subscribed(claimed))
    following = await claim_one(folder_syncs, LATER)
    assert following.backfill_from == EARLIER
    assert following.requests == {Request.SYNC}


async def test_a_backfill_waits_for_the_retry_of_one_that_failed(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(failed(claimed, LEASE))

    assert await folder_syncs.request_backfill("acme", "sales", EARLIER, LATER) == 1

    assert await folder_syncs.claim_due(LATER, 10, LEASE) == []
    assert (await claim_one(folder_syncs, NOON + LEASE)).backfill_from == EARLIER


# --- What is dead, and to be queued again ---


async def test_that_dead_jobs_are_wanted_again_stands_until_the_list_is_complete(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.request_backfill("acme", "sales", EARLIER, LATER, dead_before=LATER)
    await folder_syncs.save(subscribed(claimed))

    run = await claim_one(folder_syncs, LATER)
    assert run.dead_before == LATER
    assert run.backfill_from == EARLIER - timedelta.resolution
    assert await folder_syncs.move_backfill(run, run.backfill_from, NOON)
    await folder_syncs.save(replace(run, dead_before=None, due_at=LATER, requests=frozenset()))

    after_a_crash = await claim_one(folder_syncs, LATER + LEASE)
    assert after_a_crash.dead_before == LATER
    assert await folder_syncs.move_backfill(after_a_crash, NOON, None)
    assert (await stored(folder_syncs)).dead_before is None


@pytest.mark.parametrize("since", [EARLIER, LATER])
async def test_a_run_that_goes_on_does_not_end_the_list_that_wants_them(
    folder_syncs: FolderSyncs, claimed: FolderSync, since: datetime
) -> None:
    await folder_syncs.move_backfill(claimed, None, NOON)

    await folder_syncs.request_backfill("acme", "sales", since, LATER, dead_before=LATER)

    assert not await folder_syncs.move_backfill(claimed, NOON, None)
    after = await stored(folder_syncs)
    assert after.backfill_from == min(since, NOON) - timedelta.resolution
    assert after.dead_before == LATER


@pytest.mark.parametrize(("asked", "stays"), [(NOON, LATER), (TOMORROW, TOMORROW), (None, LATER)])
async def test_of_two_such_wishes_the_later_holds(
    folder_syncs: FolderSyncs, claimed: FolderSync, asked: datetime | None, stays: datetime
) -> None:
    await folder_syncs.request_backfill("acme", "sales", EARLIER, LATER, dead_before=LATER)

    await folder_syncs.request_backfill("acme", "sales", EARLIER, LATER, dead_before=asked)

    assert (await stored(folder_syncs)).dead_before == stays
    assert claimed.dead_before is None
