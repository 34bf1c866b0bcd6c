"""How the release before received its folders, and that this one goes on with it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.application.ports import Route, by_subscription
from postroom.domain.folder_sync import FolderSync, Mode, Request
from postroom.domain.sync_rules import NOTIFICATIONS_MISSED
from tests.adapters.first_release.recorded import DENIED, RECORDED_AT, at

LEASE = timedelta(minutes=3)
UNPROVEN = (
    "Graph answered 400 ValidationError: the public URL did not answer Graph's validation request"
)
SHARED = "Graph sends no notices of shared mailboxes"


async def one(
    folder_syncs: PostgresFolderSyncs, tenant: str, mailbox: str, folder: str = "inbox"
) -> FolderSync:
    found = await folder_syncs.all(tenant=tenant, mailbox=mailbox)
    return {each.folder: each for each in found}[folder]


@pytest.mark.parametrize(
    ("mailbox", "polling_reason", "refusals", "probe_at"),
    [
        ("invoices", NOTIFICATIONS_MISSED, 0, at(34, 1)),
        ("events", UNPROVEN, 7, at(10, 31, 40)),
        ("team", SHARED, 0, None),
    ],
    ids=["missed", "refused", "obstructed"],
)
async def test_a_folder_that_is_polled_says_why_and_until_when(
    folder_syncs: PostgresFolderSyncs,
    mailbox: str,
    polling_reason: str,
    refusals: int,
    probe_at: datetime | None,
) -> None:
    found = await one(folder_syncs, "acme", mailbox)

    assert found.mode is Mode.POLLING
    assert found.polling_reason == polling_reason
    assert (found.refusals, found.probe_at, found.subscription) == (refusals, probe_at, None)
    assert found.synced_at == RECORDED_AT


@pytest.mark.parametrize(
    ("tenant", "folder", "requests"),
    [
        ("acme", "inbox", {Request.SYNC}),
        ("acme", "Inbox/Orders", {Request.RECREATE}),
        ("acme", "Inbox/Angebote Süd", set()),
        ("globex", "inbox", {Request.SYNC, Request.RENEW}),
    ],
)
async def test_a_folder_with_a_subscription_has_it_still_and_what_was_requested(
    folder_syncs: PostgresFolderSyncs, tenant: str, folder: str, requests: set[Request]
) -> None:
    found = await one(folder_syncs, tenant, "sales", folder)

    assert found.mode is Mode.NOTIFICATIONS
    assert found.requests == requests
    assert found.subscription
    assert found.subscription.endpoint == "https://postroom.example/webhooks/microsoft"
    assert found.subscription.created_at == found.subscription.renewed_at == at(9, 1)
    assert found.subscription.expires_at == at(9, 1) + timedelta(days=6)
    assert found.announced_since == at(9, 1)


async def test_a_notification_is_known_by_its_subscription(
    folder_syncs: PostgresFolderSyncs, routes: PostgresRoutes
) -> None:
    subscription = (await one(folder_syncs, "globex", "office")).subscription
    assert subscription
    key = by_subscription(subscription.id)

    found = await routes.find([key, by_subscription("unknown")])

    assert found == {
        key: Route(
            tenant="globex",
            id="office",
            provider="microsoft",
            folder="inbox",
            secret_digest=subscription.secret_digest,
            is_paused=True,
            account=found[key].account,
        )
    }
    assert found[key].account["client_id"] == "24d3b144-21ae-4080-943f-7067b395b913"
    assert await folder_syncs.request_by_subscription(subscription.id, Request.RENEW, RECORDED_AT)


@pytest.mark.parametrize(
    ("place", "last_error", "missed_runs", "synced_at"),
    [
        (("globex", "office"), DENIED, 0, at(9, 16)),
        (("globex", "hr"), DENIED, 1, at(10, 1)),
        (("globex", "sales"), "", 2, at(10, 16)),
        (("acme", "sales", "Inbox/Angebote Süd"), "the mailbox has no such folder", 0, at(9, 16)),
    ],
)
async def test_what_the_last_sync_came_to_is_kept(
    folder_syncs: PostgresFolderSyncs,
    place: tuple[str, ...],
    last_error: str,
    missed_runs: int,
    synced_at: datetime,
) -> None:
    found = await one(folder_syncs, *place)

    assert (found.last_error, found.missed_runs) == (last_error, missed_runs)
    assert found.synced_at == synced_at


async def test_a_folder_that_was_never_synced_is_due(folder_syncs: PostgresFolderSyncs) -> None:
    due = await folder_syncs.claim_due(RECORDED_AT, 100, LEASE)

    [fresh] = [each for each in due if each.mailbox == "fresh"]
    assert replace(fresh, token=0) == FolderSync(
        tenant="acme", mailbox="fresh", folder="inbox", due_at=RECORDED_AT
    )


async def test_a_lease_of_that_release_holds_and_ends(folder_syncs: PostgresFolderSyncs) -> None:
    leased = await one(folder_syncs, "globex", "sales")

    due = await folder_syncs.claim_due(RECORDED_AT + LEASE - timedelta(seconds=1), 100, LEASE)
    assert leased.subscription not in [each.subscription for each in due]

    due = await folder_syncs.claim_due(RECORDED_AT + LEASE, 100, LEASE)
    [claimed] = [each for each in due if each.subscription == leased.subscription]
    assert replace(claimed, token=leased.token) == leased
    assert await folder_syncs.save(replace(claimed, requests=frozenset(), last_error="HTTP 500"))
    saved = await one(folder_syncs, "globex", "sales")
    assert (saved.requests, saved.last_error) == (frozenset(), "HTTP 500")


async def test_its_folders_can_be_asked_for_what_is_dead(
    folder_syncs: PostgresFolderSyncs,
) -> None:
    before = await folder_syncs.all(tenant="acme", mailbox="invoices")
    now = RECORDED_AT + LEASE

    await folder_syncs.request_backfill("acme", "invoices", RECORDED_AT, now, dead_before=now)

    after = await folder_syncs.all(tenant="acme", mailbox="invoices")
    assert {each.dead_before for each in before} == {None}
    assert {each.dead_before for each in after} == {now}
