"""What every FolderSyncs promises: who claims what, for how long, and what is saved.

What is requested between two runs is in test_folder_sync_requests.py, and how far a folder was
listed in test_folder_sync_positions.py.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import FolderSyncs, IdempotencyLedger, MailboxRegistry
from postroom.domain.folder_sync import FolderSync, Mode, Request
from tests.contracts.claiming import (
    LATER,
    LEASE,
    TOMORROW,
    claim_one,
    failed,
    stored,
    subscribed,
)
from tests.contracts.samples import NOON, identity, microsoft_mailbox, watch

PORTS = {FolderSyncs}

MOMENT = timedelta(microseconds=1)

MOST = 2**64 - 1
"""The greatest number that a change may have."""


async def claim(folder_syncs: FolderSyncs, folder: str = "inbox") -> FolderSync | None:
    """Claim a folder of the mailbox `sales` at noon, due or not."""
    return await folder_syncs.claim("acme", "sales", folder, NOON, LEASE)


# --- Who claims what ---


async def test_what_is_due_is_claimed_longest_due_first(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    for minutes, (tenant, name) in enumerate([("globex", "b"), ("acme", "a"), ("acme", "b")]):
        added_at = NOON + timedelta(minutes=minutes)
        await registry.add(replace(microsoft_mailbox(tenant, name), added_at=added_at))

    first = await folder_syncs.claim_due(LATER, 1, LEASE)
    others = await folder_syncs.claim_due(LATER, 10, LEASE)

    assert [(f.tenant, f.mailbox) for f in (*first, *others)] == [("globex", "b"), ("acme", "a")]
    assert await folder_syncs.claim_due(LATER, 10, LEASE) == []


async def test_what_was_requested_goes_before_what_is_due_anyway_but_not_for_ever(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    minute = timedelta(minutes=1)
    for name in ("failing", "ordinary", "overdue", "requested"):
        await registry.add(microsoft_mailbox(name=name))
    due = {each.mailbox: each for each in await folder_syncs.claim_due(NOON, 10, LEASE)}
    synced = {name: subscribed(each, name) for name, each in due.items()}
    await folder_syncs.save(failed(synced["failing"], minute))
    await folder_syncs.save(replace(synced["ordinary"], due_at=NOON))
    await folder_syncs.save(replace(synced["overdue"], due_at=NOON - 2 * minute))
    await folder_syncs.save(synced["requested"])
    await folder_syncs.request("acme", "requested", Request.SYNC, NOON + 9 * minute)
    await folder_syncs.request("acme", "failing", Request.SYNC, NOON)

    claimed = await folder_syncs.claim_due(NOON + 10 * minute, 10, LEASE)

    assert [each.mailbox for each in claimed] == ["overdue", "requested", "ordinary", "failing"]


async def test_what_is_new_goes_before_what_is_due_anyway(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(name="ordinary"))
    await folder_syncs.save(replace(subscribed(await claim_one(folder_syncs, NOON)), due_at=NOON))
    added = replace(microsoft_mailbox(name="zoe"), added_at=NOON + timedelta(minutes=1))
    await registry.add(added)

    claimed = await folder_syncs.claim_due(LATER, 10, LEASE)

    assert [each.mailbox for each in claimed] == ["zoe", "ordinary"]


async def test_nothing_is_due_before_its_moment(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox())

    assert await folder_syncs.claim_due(NOON - MOMENT, 10, LEASE) == []
    assert await folder_syncs.claim_due(NOON, 10, LEASE)


async def test_of_many_that_claim_at_once_each_gets_what_no_other_gets(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    folders = tuple(f"folder-{n}" for n in range(6))
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=folders))

    claims = await asyncio.gather(*(folder_syncs.claim_due(NOON, 20, LEASE) for _ in range(4)))

    got = [(f.tenant, f.folder) for claimed in claims for f in claimed]
    assert sorted(got) == [(tenant, f) for tenant in ("acme", "globex") for f in folders]


async def test_one_that_is_due_and_claimed_by_name_at_once_is_claimed_once(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    folders = tuple(f"folder-{n}" for n in range(6))
    await registry.add(microsoft_mailbox(folders=folders))

    by_name, due, more_due = await asyncio.gather(
        asyncio.gather(*(claim(folder_syncs, folder) for folder in reversed(folders))),
        folder_syncs.claim_due(NOON, 20, LEASE),
        folder_syncs.claim_due(NOON, 20, LEASE),
    )

    claims = [*by_name, *due, *more_due]
    assert sorted(each.folder for each in claims if each is not None) == list(folders)


async def test_who_had_to_wait_for_the_tenants_mail_claims_nothing_twice(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, ledger: IdempotencyLedger
) -> None:
    await registry.add(microsoft_mailbox())
    entered, leave = asyncio.Event(), asyncio.Event()

    async def file_a_message() -> None:
        async with ledger.once(microsoft_mailbox(), identity()):
            entered.set()
            await leave.wait()

    filing = asyncio.create_task(file_a_message())
    await entered.wait()
    claims = [asyncio.create_task(folder_syncs.claim_due(NOON, 10, LEASE)) for _ in range(2)]
    await asyncio.sleep(0)  # they have begun, and wait where tenants are one at a time
    leave.set()

    assert sorted([len(await each) for each in claims]) == [0, 1]
    await filing


async def test_what_is_not_due_is_claimed_by_name(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))

    again = await claim(folder_syncs)

    assert again
    assert again == replace(subscribed(claimed), token=again.token)
    assert again.token > claimed.token


async def test_what_is_claimed_is_not_claimed_by_name(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    assert await claim(folder_syncs) is None
    assert await folder_syncs.claim("acme", "sales", "inbox", NOON + LEASE, LEASE)


@pytest.mark.parametrize(
    "key",
    [
        ("globex", "sales", "inbox"),
        ("acme", "other", "inbox"),
        ("acme", "sales", "sent"),
        ("acme", "sales", "\x00"),
    ],
)
async def test_what_is_not_there_is_not_claimed(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, key: tuple[str, str, str]
) -> None:
    await registry.add(microsoft_mailbox())

    assert await folder_syncs.claim(*key, NOON, LEASE) is None

    assert (await claim_one(folder_syncs, NOON)).folder == "inbox"


async def test_one_that_failed_is_claimed_by_nobody_before_its_retry(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    retry_at = NOON + LEASE
    await folder_syncs.save(failed(claimed, LEASE))

    before = retry_at - MOMENT
    assert await folder_syncs.claim("acme", "sales", "inbox", before, LEASE) is None
    assert await folder_syncs.claim_due(before, 10, LEASE) == []
    again = await folder_syncs.claim("acme", "sales", "inbox", retry_at, LEASE)

    assert again
    assert again == replace(failed(claimed, LEASE), token=again.token)


async def test_what_is_held_too_long_is_claimed_again(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    assert await folder_syncs.claim_due(NOON + LEASE - MOMENT, 10, LEASE) == []

    again = await claim_one(folder_syncs, NOON + LEASE)

    assert again == replace(claimed, token=again.token)


async def test_what_was_saved_is_claimed_when_it_is_due(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(replace(claimed, due_at=LATER))

    assert await folder_syncs.claim_due(NOON, 10, LEASE) == []
    assert (await claim_one(folder_syncs, LATER)).mailbox == "sales"


# --- For how long ---


async def test_a_claim_that_is_renewed_goes_on_from_then(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    renewed = await folder_syncs.renew(claimed, LATER, LEASE)

    assert renewed
    assert renewed == replace(claimed, token=renewed.token)
    assert await folder_syncs.claim_due(LATER + LEASE - MOMENT, 10, LEASE) == []
    assert await folder_syncs.save(subscribed(renewed))
    assert await stored(folder_syncs) == subscribed(renewed)


async def test_a_claim_that_is_renewed_shows_what_was_requested_since(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.request("acme", "sales", Request.CHANGED, LATER)

    renewed = await folder_syncs.renew(claimed, LATER, LEASE)

    assert renewed
    assert renewed.requests == {Request.CHANGED}
    await folder_syncs.save(subscribed(renewed))
    done = await stored(folder_syncs)
    assert (done.requests, done.due_at) == (frozenset(), TOMORROW)


async def test_what_is_requested_after_a_renewal_is_left_to_the_next_run(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    renewed = await folder_syncs.renew(claimed, NOON, LEASE)
    assert renewed
    await folder_syncs.request("acme", "sales", Request.CHANGED, LATER)

    await folder_syncs.save(subscribed(renewed))

    assert (await claim_one(folder_syncs, LATER)).requests == {Request.CHANGED}


async def test_a_claim_that_was_renewed_is_fenced_off_by_its_renewal(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.request("acme", "sales", Request.SYNC, LATER)
    await folder_syncs.renew(claimed, LATER, LEASE)

    assert not await folder_syncs.save(subscribed(claimed))
    assert await folder_syncs.renew(claimed, LATER, LEASE) is None


async def test_a_claim_that_is_released_has_changed_nothing(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    assert await folder_syncs.release(claimed)

    again = await claim_one(folder_syncs, NOON)
    assert again == replace(claimed, token=again.token)


async def test_a_claim_goes_on_where_what_it_made_is_saved_meanwhile(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    made = replace(claimed, due_at=NOON, last_error="HTTP 500")
    until = LATER + LEASE

    assert await folder_syncs.save(made, leased_until=until)

    assert await stored(folder_syncs) == made
    assert await folder_syncs.claim_due(until - MOMENT, 10, LEASE) == []
    assert await folder_syncs.save(subscribed(made), leased_until=until)
    assert await folder_syncs.release(made)
    assert (await claim_one(folder_syncs, TOMORROW)).subscription


# --- What is saved ---


@pytest.mark.parametrize("kind", ["notifications", "watched", "polling", "lagging", "away"])
async def test_what_a_run_has_made_of_it_comes_back(
    folder_syncs: FolderSyncs, claimed: FolderSync, kind: str
) -> None:
    made = {
        "notifications": replace(subscribed(claimed), missed_runs=2, suspected_at=LATER),
        "watched": claimed.subscribed(watch()),
        "lagging": replace(
            claimed, suspected_to=MOST, lagging_since=LATER, behind_since=NOON, due_at=LATER
        ),
        "polling": replace(claimed, due_at=LATER, refusals=2).refused("no answer", NOON),
        "away": failed(claimed, LEASE),
    }[kind]
    assert made.mode is (Mode.POLLING if kind == "polling" else Mode.NOTIFICATIONS)

    assert await folder_syncs.save(made)

    assert await folder_syncs.all() == [made]
    again = await claim_one(folder_syncs, TOMORROW)
    assert again == replace(made, token=again.token)


async def test_what_is_announced_is_the_greatest_number_whoever_has_claimed_the_folder(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    for number, moment in ((7, NOON), (MOST, LATER), (8, TOMORROW)):
        await folder_syncs.note_announced("acme", "sales", claimed.folder, number, moment)

    assert await folder_syncs.save(replace(claimed, announced_to=3, heard_at=NOON))
    after = await stored(folder_syncs)
    assert (after.announced_to, after.heard_at) == (MOST, TOMORROW)


async def test_what_is_announced_of_a_folder_that_there_is_not_is_of_no_interest(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    for tenant, mailbox, folder in (
        ("globex", "sales", claimed.folder),
        ("acme", "nobody", claimed.folder),
        ("acme", "sales", "nowhere"),
    ):
        await folder_syncs.note_announced(tenant, mailbox, folder, 7, NOON)

    assert (await stored(folder_syncs)).announced_to == 0


async def test_only_the_claimant_has_what_was_announced_forgotten(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.note_announced("acme", "sales", claimed.folder, 7, NOON)
    other = await claim_one(folder_syncs, NOON + LEASE)

    assert not await folder_syncs.forget_announced(claimed)
    assert (await stored(folder_syncs)).announced_to == 7
    assert await folder_syncs.forget_announced(other)
    assert (await stored(folder_syncs)).announced_to == 0


async def test_one_that_failed_is_not_due_before_its_retry_whatever_the_run_says(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(replace(failed(claimed, LEASE), due_at=NOON))

    assert (await stored(folder_syncs)).due_at == NOON + LEASE


async def test_who_has_lost_a_claim_changes_nothing(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    other = await claim_one(folder_syncs, NOON + LEASE)

    assert not await folder_syncs.save(subscribed(claimed))
    assert await folder_syncs.renew(claimed, NOON, LEASE) is None
    assert not await folder_syncs.release(claimed)
    assert not await folder_syncs.move_position(claimed, "position-1", NOON)
    assert not await folder_syncs.move_backfill(claimed, None, NOON)

    assert await folder_syncs.all() == [other]
    assert await folder_syncs.claim_due(NOON + LEASE, 10, LEASE) == []
    assert await folder_syncs.save(subscribed(other, "subscription-2"))
    assert not await folder_syncs.save(subscribed(claimed))
    assert await folder_syncs.all() == [subscribed(other, "subscription-2")]


async def test_a_run_of_a_mailbox_that_is_gone_is_not_saved(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await registry.remove("acme", "sales")

    assert not await folder_syncs.save(subscribed(claimed))
    assert not await folder_syncs.move_position(claimed, "position-1", NOON)

    assert await folder_syncs.all() == []


async def test_a_run_of_an_earlier_mailbox_of_that_name_is_not_saved(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await registry.remove("acme", "sales")
    await registry.add(microsoft_mailbox())
    other = await claim_one(folder_syncs, NOON)

    assert not await folder_syncs.save(subscribed(claimed))
    assert not await folder_syncs.move_position(claimed, "position-1", NOON)

    assert await folder_syncs.all() == [other]


async def test_only_the_folder_that_was_worked_on_is_saved(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=("a", "b")))
    claims = await folder_syncs.claim_due(NOON, 10, LEASE)
    made = [replace(each, last_error=f"{each.tenant} {each.folder}") for each in claims]

    for each in reversed(made):
        assert await folder_syncs.save(each)

    assert await folder_syncs.all() == made


# --- What is shown ---


async def test_the_folder_syncs_of_a_tenant_and_of_a_mailbox_come_apart(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox("globex"))
    await registry.add(microsoft_mailbox(name="b"))
    await registry.add(microsoft_mailbox(name="a", folders=("y", "x")))

    a_x, a_y, b, globex = everything = await folder_syncs.all()

    assert [(f.tenant, f.mailbox, f.folder) for f in everything] == [
        *(("acme", "a", "x"), ("acme", "a", "y"), ("acme", "b", "inbox")),
        ("globex", "sales", "inbox"),
    ]
    assert await folder_syncs.all(tenant="acme") == [a_x, a_y, b]
    assert await folder_syncs.all(tenant="acme", mailbox="a") == [a_x, a_y]
    assert await folder_syncs.all(tenant="globex", mailbox="a") == []
    assert await folder_syncs.all(tenant="globex") == [globex]
