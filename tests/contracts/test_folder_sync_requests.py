"""What every FolderSyncs does with what is asked for between two rounds, and during one."""

from dataclasses import replace

import pytest

from postroom.application.ports import FolderSyncs, MailboxRegistry
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import Pause, PausedBy
from tests.contracts.samples import NOON, microsoft_mailbox, subscription
from tests.contracts.taking import LATER, LEASE, TOMORROW, claim_one, told

PORTS = {FolderSyncs}


async def stored(folder_syncs: FolderSyncs) -> FolderSync:
    [folder_sync] = await folder_syncs.all()
    return folder_sync


async def test_what_the_provider_asks_for_is_due_at_once(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(told(taken))

    for request in (Request.RENEW, Request.SYNC, Request.RENEW):
        assert await folder_syncs.request("subscription-1", request, LATER)

    asked = await claim_one(folder_syncs, LATER)
    assert asked.requests == {Request.RENEW, Request.SYNC}
    assert asked.due_at == LATER
    assert asked.subscription == subscription()


async def test_what_is_asked_for_does_not_put_off_what_is_due(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(replace(told(taken), due_at=NOON))

    await folder_syncs.request("subscription-1", Request.RENEW, LATER)

    assert (await claim_one(folder_syncs, NOON)).requests == {Request.RENEW}


async def test_nothing_can_be_asked_for_under_an_unknown_subscription(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(told(taken))

    for unknown in ("subscription-2", "", "\x00"):
        assert not await folder_syncs.request(unknown, Request.RENEW, LATER)

    assert await folder_syncs.all() == [told(taken)]


async def test_what_a_round_knew_of_is_done_with_it(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(told(taken))
    await folder_syncs.request("subscription-1", Request.RECREATE, NOON)
    again = await claim_one(folder_syncs, NOON)

    assert await folder_syncs.save(told(again))

    after = await stored(folder_syncs)
    assert after.requests == frozenset()
    assert after.due_at == TOMORROW


async def test_what_a_round_has_left_undone_is_left_to_the_next(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(told(taken))
    for request in (Request.RENEW, Request.SYNC):
        await folder_syncs.request("subscription-1", request, NOON)
    again = await claim_one(folder_syncs, NOON)

    await folder_syncs.save(
        replace(again, requests=frozenset({Request.SYNC}), due_at=LATER, last_error="HTTP 500")
    )

    assert await folder_syncs.claim_due(NOON, 10, LEASE) == []
    assert (await claim_one(folder_syncs, LATER)).requests == {Request.SYNC}


@pytest.mark.parametrize("request_", [Request.RENEW, Request.RECREATE])
async def test_what_is_asked_for_while_a_round_goes_on_is_done_in_the_next(
    folder_syncs: FolderSyncs, taken: FolderSync, request_: Request
) -> None:
    """Even if it is what the round knew of already: that may have been done before it was asked."""
    await folder_syncs.save(told(taken))
    await folder_syncs.request("subscription-1", Request.RECREATE, NOON)
    again = await claim_one(folder_syncs, NOON)

    await folder_syncs.request("subscription-1", request_, LATER)
    assert await folder_syncs.claim_due(LATER, 10, LEASE) == []
    assert await folder_syncs.save(told(again, "subscription-2"))

    following = await claim_one(folder_syncs, LATER)
    assert following.requests == {request_}
    assert following.subscription == subscription("subscription-2")


async def test_what_a_round_that_died_knew_of_is_not_lost(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(told(taken))
    await folder_syncs.request("subscription-1", Request.RENEW, NOON)
    await folder_syncs.request("subscription-1", Request.SYNC, NOON)
    await claim_one(folder_syncs, NOON)

    again = await claim_one(folder_syncs, NOON + LEASE)

    assert again.requests == {Request.RENEW, Request.SYNC}


async def test_something_can_be_asked_for_of_all_folders_of_a_mailbox(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox(name="other"))
    await registry.add(microsoft_mailbox("globex"))
    for each in await folder_syncs.claim_due(NOON, 10, LEASE):
        await folder_syncs.save(replace(each, due_at=TOMORROW))

    assert await folder_syncs.request_all("acme", "sales", Request.SYNC, LATER) == 2

    due = await folder_syncs.claim_due(LATER, 10, LEASE)
    assert {(r.tenant, r.mailbox, r.folder) for r in due} == {
        ("acme", "sales", "a"),
        ("acme", "sales", "b"),
    }
    assert {r.requests for r in due} == {frozenset({Request.SYNC})}
    assert await folder_syncs.request_all("acme", "unknown", Request.SYNC, LATER) == 0


async def test_what_is_asked_for_of_all_while_a_round_goes_on_is_left_to_the_next(
    folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.request_all("acme", "sales", Request.SYNC, LATER)

    assert await folder_syncs.save(told(taken))

    assert (await claim_one(folder_syncs, LATER)).requests == {Request.SYNC}


async def test_a_mailbox_that_is_resumed_is_due_at_once(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await folder_syncs.save(told(taken))
    await registry.pause("acme", "sales", Pause(PausedBy.ACCESS, "invalid_grant", LATER))
    await registry.add(microsoft_mailbox("globex"))
    await folder_syncs.save(told(await claim_one(folder_syncs, NOON), "subscription-2"))

    await registry.resume("acme", "sales")

    resumed = await claim_one(folder_syncs, LATER)
    assert resumed.tenant == "acme"
    assert resumed.requests == {Request.SYNC}


async def test_a_round_that_went_on_when_the_mailbox_was_resumed_is_followed_by_another(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, taken: FolderSync
) -> None:
    await registry.pause("acme", "sales", Pause(PausedBy.OPERATOR, "moved", NOON))
    await registry.resume("acme", "sales")

    assert await folder_syncs.save(told(taken))

    assert (await claim_one(folder_syncs, LATER)).mailbox == "sales"
