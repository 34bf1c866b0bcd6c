"""What every FolderSyncs promises: who takes what, what is saved, and whom a subscription tells of.

What is asked for between two rounds is in test_folder_sync_requests.py.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import (
    FolderSyncs,
    IdempotencyLedger,
    MailboxRegistry,
    SubscribedFolder,
)
from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.mailbox import Pause, PausedBy
from tests.contracts.samples import NOON, identity, microsoft_mailbox
from tests.contracts.taking import LATER, LEASE, TOMORROW, claim_one, told

PORTS = {FolderSyncs}

# --- Who takes what -----------------------------------------------------------------------------


async def test_what_is_due_is_taken_longest_due_first(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    for minutes, (tenant, name) in enumerate([("globex", "b"), ("acme", "a"), ("acme", "b")]):
        added_at = NOON + timedelta(minutes=minutes)
        await registry.add(replace(microsoft_mailbox(tenant, name), added_at=added_at))

    first = await folder_syncs.claim_due(LATER, 1, LEASE)
    others = await folder_syncs.claim_due(LATER, 10, LEASE)

    assert [(r.tenant, r.mailbox) for r in (*first, *others)] == [("globex", "b"), ("acme", "a")]
    assert await folder_syncs.claim_due(LATER, 10, LEASE) == []


async def test_nothing_is_due_before_its_moment(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox())

    assert await folder_syncs.claim_due(NOON - timedelta(microseconds=1), 10, LEASE) == []
    assert await folder_syncs.claim_due(NOON, 10, LEASE)


async def test_of_many_that_take_at_once_each_gets_what_no_other_gets(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    folders = tuple(f"folder-{n}" for n in range(6))
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=folders))

    takes = await asyncio.gather(*(folder_syncs.claim_due(NOON, 20, LEASE) for _ in range(4)))

    got = [(r.tenant, r.folder) for take in takes for r in take]
    assert sorted(got) == [(tenant, f) for tenant in ("acme", "globex") for f in folders]


async def test_who_had_to_wait_for_the_tenants_mail_takes_nothing_twice(
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
    takers = [asyncio.create_task(folder_syncs.claim_due(NOON, 10, LEASE)) for _ in range(2)]
    await asyncio.sleep(0)  # they have begun, and wait where tenants are one at a time
    leave.set()

    assert sorted([len(await taker) for taker in takers]) == [0, 1]
    await filing


async def test_what_is_held_too_long_is_taken_again(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    assert await folder_syncs.claim_due(NOON + LEASE - timedelta(microseconds=1), 10, LEASE) == []

    again = await claim_one(folder_syncs, NOON + LEASE)

    assert replace(again, version=0) == replace(taken, version=0)


async def test_what_was_saved_is_taken_when_it_is_due(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(replace(taken, due_at=LATER))

    assert await folder_syncs.claim_due(NOON, 10, LEASE) == []
    assert (await claim_one(folder_syncs, LATER)).mailbox == "sales"


# --- What is saved ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["notifications", "polling"])
async def test_what_a_round_has_made_of_it_comes_back(
    folder_syncs: FolderSyncs, taken: FolderSync, kind: str
) -> None:
    made = replace(told(taken), missed_runs=2, last_error="HTTP 500")
    if kind == "polling":
        made = replace(taken, due_at=LATER, refusals=2).refused("no answer", NOON)
    assert made.mode is Mode(kind)

    assert await folder_syncs.save(made)

    assert await folder_syncs.all() == [made]
    assert replace(await claim_one(folder_syncs, TOMORROW), version=0) == replace(made, version=0)


async def test_a_round_that_somebody_has_taken_over_is_not_saved(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    other = await claim_one(folder_syncs, NOON + LEASE)

    assert not await folder_syncs.save(told(taken))

    assert await folder_syncs.all() == [other]
    assert await folder_syncs.save(told(other, "subscription-2"))
    assert not await folder_syncs.save(told(taken))
    assert await folder_syncs.all() == [told(other, "subscription-2")]


async def test_a_round_of_a_mailbox_that_is_gone_is_not_saved(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await registry.remove("acme", "sales")

    assert not await folder_syncs.save(told(taken))

    assert await folder_syncs.all() == []


async def test_a_round_of_an_earlier_mailbox_of_that_name_is_not_saved(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await registry.remove("acme", "sales")
    await registry.add(microsoft_mailbox())
    other = await claim_one(folder_syncs, NOON)

    assert not await folder_syncs.save(told(taken))

    assert await folder_syncs.all() == [other]


async def test_only_the_folder_that_was_worked_on_is_saved(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=("a", "b")))
    taken = await folder_syncs.claim_due(NOON, 10, LEASE)
    made = [replace(each, last_error=f"{each.tenant} {each.folder}") for each in taken]

    for each in reversed(made):
        assert await folder_syncs.save(each)

    assert await folder_syncs.all() == made


# --- Whom a subscription tells of ---------------------------------------------------------------


async def test_each_subscription_leads_to_whom_it_tells_of(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox("globex"))
    for each in await folder_syncs.claim_due(NOON, 10, LEASE):
        await folder_syncs.save(told(each, f"{each.tenant}-{each.folder}"))
    await registry.pause("globex", "sales", Pause(PausedBy.ACCESS, "invalid_grant", NOON))
    await registry.add(microsoft_mailbox(name="new"))

    found = await folder_syncs.subscribed_folders(
        ["globex-inbox", "unknown", "acme-b", "", "\x00", "acme-b"]
    )

    b = SubscribedFolder(
        tenant="acme",
        id="sales",
        provider="microsoft",
        folder="b",
        secret_digest="5e" * 32,
        application="client-1",
        is_paused=False,
    )
    assert found == {
        "acme-b": b,
        "globex-inbox": replace(b, tenant="globex", folder="inbox", is_paused=True),
    }
    assert await folder_syncs.subscribed_folders([]) == {}


async def test_a_subscription_that_gave_way_leads_nowhere(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(told(taken))
    again = await claim_one(folder_syncs, TOMORROW)
    await folder_syncs.save(told(again, "subscription-2"))

    assert set(await folder_syncs.subscribed_folders(["subscription-1", "subscription-2"])) == {
        "subscription-2"
    }


async def test_the_receptions_of_a_tenant_and_of_a_mailbox_come_apart(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox("globex"))
    await registry.add(microsoft_mailbox(name="b"))
    await registry.add(microsoft_mailbox(name="a", folders=("y", "x")))

    a_x, a_y, b, globex = everything = await folder_syncs.all()

    assert [(r.tenant, r.mailbox, r.folder) for r in everything] == [
        *(("acme", "a", "x"), ("acme", "a", "y"), ("acme", "b", "inbox")),
        ("globex", "sales", "inbox"),
    ]
    assert await folder_syncs.all(tenant="acme") == [a_x, a_y, b]
    assert await folder_syncs.all(tenant="acme", mailbox="a") == [a_x, a_y]
    assert await folder_syncs.all(tenant="globex", mailbox="a") == []
    assert await folder_syncs.all(tenant="globex") == [globex]
