"""What every FolderSyncs does with what is requested between two runs, and during one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import FolderSyncs, MailboxRegistry
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import Pause, PausedBy
from tests.contracts.claiming import (
    LATER,
    LEASE,
    TOMORROW,
    claim_one,
    failed,
    stored,
    subscribed,
)
from tests.contracts.samples import NOON, microsoft_mailbox, subscription

PORTS = {FolderSyncs}


async def test_what_the_provider_requests_is_due_at_once(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))

    for request in (Request.RENEW, Request.SYNC, Request.RENEW):
        assert await folder_syncs.request_by_subscription("subscription-1", request, LATER)

    again = await claim_one(folder_syncs, LATER)
    assert again.requests == {Request.RENEW, Request.SYNC}
    assert again.due_at == LATER
    assert again.subscription == subscription()


async def test_what_is_requested_does_not_put_off_what_is_due(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(replace(subscribed(claimed), due_at=NOON))

    await folder_syncs.request_by_subscription("subscription-1", Request.RENEW, LATER)

    assert (await claim_one(folder_syncs, NOON)).requests == {Request.RENEW}


async def test_what_is_requested_for_later_is_due_then(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))

    await folder_syncs.request("acme", "sales", Request.CHANGED, LATER)

    assert await folder_syncs.claim_due(LATER - timedelta(microseconds=1), 10, LEASE) == []
    assert (await claim_one(folder_syncs, LATER)).requests == {Request.CHANGED}


async def test_nothing_can_be_requested_under_an_unknown_subscription(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))

    for unknown in ("subscription-2", "", "\x00"):
        assert not await folder_syncs.request_by_subscription(unknown, Request.RENEW, LATER)

    assert await folder_syncs.all() == [subscribed(claimed)]


async def test_what_a_run_knew_of_is_done_with_it(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    await folder_syncs.request_by_subscription("subscription-1", Request.RECREATE, NOON)
    again = await claim_one(folder_syncs, NOON)

    assert await folder_syncs.save(subscribed(again))

    after = await stored(folder_syncs)
    assert after.requests == frozenset()
    assert after.due_at == TOMORROW


async def test_what_a_run_has_left_undone_is_left_to_the_next(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    for request in (Request.RENEW, Request.SYNC):
        await folder_syncs.request_by_subscription("subscription-1", request, NOON)
    again = await claim_one(folder_syncs, NOON)

    await folder_syncs.save(
        replace(again, requests=frozenset({Request.SYNC}), due_at=LATER, last_error="HTTP 500")
    )

    assert await folder_syncs.claim_due(NOON, 10, LEASE) == []
    assert (await claim_one(folder_syncs, LATER)).requests == {Request.SYNC}


@pytest.mark.parametrize("request_", [Request.RENEW, Request.RECREATE])
async def test_what_is_requested_while_a_run_goes_on_is_done_in_the_next(
    folder_syncs: FolderSyncs, claimed: FolderSync, request_: Request
) -> None:
    """Even if the run knew of it already: it may have been done before it was requested."""
    await folder_syncs.save(subscribed(claimed))
    await folder_syncs.request_by_subscription("subscription-1", Request.RECREATE, NOON)
    again = await claim_one(folder_syncs, NOON)

    await folder_syncs.request_by_subscription("subscription-1", request_, LATER)
    assert await folder_syncs.claim_due(LATER, 10, LEASE) == []
    assert await folder_syncs.save(subscribed(again, "subscription-2"))

    following = await claim_one(folder_syncs, LATER)
    assert following.requests == {request_}
    assert following.subscription == subscription("subscription-2")


async def test_what_is_requested_while_a_run_fails_waits_for_its_retry(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.request("acme", "sales", Request.CHANGED, LATER)

    await folder_syncs.save(failed(claimed, LEASE))

    assert await folder_syncs.claim_due(LATER, 10, LEASE) == []
    assert (await claim_one(folder_syncs, NOON + LEASE)).requests == {Request.CHANGED}


async def test_what_is_requested_after_a_run_has_failed_waits_for_its_retry(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(replace(failed(subscribed(claimed), LEASE), due_at=TOMORROW))

    assert await folder_syncs.request("acme", "sales", Request.SYNC, LATER) == 1
    assert await folder_syncs.request("acme", "sales", Request.CHANGED, LATER, folder="inbox") == 1
    assert await folder_syncs.request_by_subscription("subscription-1", Request.RENEW, LATER)

    assert await folder_syncs.claim_due(NOON + LEASE - timedelta(microseconds=1), 10, LEASE) == []
    assert (await claim_one(folder_syncs, NOON + LEASE)).requests == {
        *(Request.SYNC, Request.CHANGED, Request.RENEW)
    }


async def test_what_a_run_that_died_knew_of_is_not_lost(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    await folder_syncs.request_by_subscription("subscription-1", Request.RENEW, NOON)
    await folder_syncs.request_by_subscription("subscription-1", Request.SYNC, NOON)
    await claim_one(folder_syncs, NOON)

    again = await claim_one(folder_syncs, NOON + LEASE)

    assert again.requests == {Request.RENEW, Request.SYNC}


async def test_what_a_run_that_gave_its_claim_back_knew_of_is_not_lost(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    await folder_syncs.request("acme", "sales", Request.CHANGED, NOON)
    again = await claim_one(folder_syncs, NOON)

    await folder_syncs.release(again)

    assert (await claim_one(folder_syncs, NOON)).requests == {Request.CHANGED}


async def test_something_can_be_requested_of_all_folders_of_a_mailbox(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox(name="other"))
    await registry.add(microsoft_mailbox("globex"))
    for each in await folder_syncs.claim_due(NOON, 10, LEASE):
        await folder_syncs.save(replace(each, due_at=TOMORROW))

    assert await folder_syncs.request("acme", "sales", Request.SYNC, LATER) == 2

    due = await folder_syncs.claim_due(LATER, 10, LEASE)
    assert {(f.tenant, f.mailbox, f.folder) for f in due} == {
        ("acme", "sales", "a"),
        ("acme", "sales", "b"),
    }
    assert {f.requests for f in due} == {frozenset({Request.SYNC})}
    assert await folder_syncs.request("acme", "unknown", Request.SYNC, LATER) == 0


async def test_something_can_be_requested_of_one_folder(
    registry: MailboxRegistry, folder_syncs: FolderSyncs
) -> None:
    for tenant in ("acme", "globex"):
        await registry.add(microsoft_mailbox(tenant, folders=("a", "b")))
    for each in await folder_syncs.claim_due(NOON, 10, LEASE):
        await folder_syncs.save(replace(each, due_at=TOMORROW))

    assert await folder_syncs.request("acme", "sales", Request.CHANGED, LATER, folder="b") == 1

    changed = await claim_one(folder_syncs, LATER)
    assert (changed.tenant, changed.folder) == ("acme", "b")
    for unknown in ("c", "", "\x00"):
        of_none = await folder_syncs.request(
            "acme", "sales", Request.CHANGED, LATER, folder=unknown
        )
        assert of_none == 0


async def test_what_is_requested_of_all_while_a_run_goes_on_is_left_to_the_next(
    folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.request("acme", "sales", Request.SYNC, LATER)

    assert await folder_syncs.save(subscribed(claimed))

    assert (await claim_one(folder_syncs, LATER)).requests == {Request.SYNC}


async def test_a_mailbox_that_is_resumed_is_due_at_once(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    await registry.pause("acme", "sales", Pause(PausedBy.ACCESS, "invalid_grant", LATER))
    await registry.add(microsoft_mailbox("globex"))
    await folder_syncs.save(subscribed(await claim_one(folder_syncs, NOON), "subscription-2"))

    await registry.resume("acme", "sales")

    resumed = await claim_one(folder_syncs, LATER)
    assert resumed.tenant == "acme"
    assert resumed.requests == {Request.SYNC}


async def test_a_mailbox_that_is_resumed_waits_for_no_retry(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await folder_syncs.save(failed(claimed, timedelta(days=1)))
    await registry.pause("acme", "sales", Pause(PausedBy.ACCESS, "invalid_grant", LATER))

    await registry.resume("acme", "sales")

    resumed = await claim_one(folder_syncs, LATER)
    assert resumed.retry_at is None
    await folder_syncs.release(resumed)
    assert await folder_syncs.claim("acme", "sales", "inbox", LATER, LEASE)


async def test_a_run_that_went_on_when_the_mailbox_was_resumed_is_followed_by_another(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, claimed: FolderSync
) -> None:
    await registry.pause("acme", "sales", Pause(PausedBy.OPERATOR, "moved", NOON))
    await registry.resume("acme", "sales")

    assert await folder_syncs.save(subscribed(claimed))

    assert (await claim_one(folder_syncs, LATER)).mailbox == "sales"
