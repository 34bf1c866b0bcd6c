"""What every Routes promises: which mailbox a notification is of, by what it names."""

from dataclasses import replace

from postroom.adapters.google.account import GoogleAccount
from postroom.application.ports import (
    FolderSyncs,
    MailboxRegistry,
    Route,
    Routes,
    by_account,
    by_mailbox,
    by_subscription,
)
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Pause, PausedBy
from tests.contracts.claiming import LEASE, TOMORROW, claim_one, subscribed
from tests.contracts.conftest import Without
from tests.contracts.samples import NOON, google_mailbox, imap_mailbox, microsoft_mailbox

PORTS = {Routes}

PUSH = "projects/p/subscriptions/s"

INBOX = Route(
    tenant="acme",
    id="sales",
    provider="microsoft",
    folder="inbox",
    secret_digest="5e" * 32,
)


def bare(route: Route) -> Route:
    """But for the account's fields."""
    return replace(route, account={})


async def found(routes: Routes, *keys: str) -> dict[str, Route]:
    return {key: bare(route) for key, route in (await routes.find(keys)).items()}


async def test_a_subscription_leads_to_its_folder(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, routes: Routes
) -> None:
    await registry.add(microsoft_mailbox(folders=("a", "b")))
    await registry.add(microsoft_mailbox("globex"))
    for each in await folder_syncs.claim_due(NOON, 10, LEASE):
        await folder_syncs.save(subscribed(each, f"{each.tenant}-{each.folder}"))
    await registry.add(microsoft_mailbox(name="new"))

    keys = [by_subscription(name) for name in ("globex-inbox", "acme-b", "acme-b", "unknown", "")]

    assert await found(routes, *keys) == {
        by_subscription("acme-b"): replace(INBOX, folder="b"),
        by_subscription("globex-inbox"): replace(INBOX, tenant="globex"),
    }


async def test_a_subscription_that_gave_way_leads_nowhere(
    folder_syncs: FolderSyncs, routes: Routes, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    again = await claim_one(folder_syncs, TOMORROW)
    await folder_syncs.save(subscribed(again, "subscription-2"))

    keys = [by_subscription(f"subscription-{n}") for n in (1, 2)]

    assert await found(routes, *keys) == {keys[1]: INBOX}


async def test_what_an_account_is_notified_by_leads_to_its_mailbox(
    registry: MailboxRegistry, routes: Routes
) -> None:
    for mailbox in (imap_mailbox(), microsoft_mailbox(), google_mailbox()):
        await registry.add(mailbox)

    route = google_mailbox().account.route("iNFO@acme.EXAMPLE")
    key = by_account("google", route)

    assert await found(routes, key) == {key: Route(tenant="acme", id="info", provider="google")}
    for unknown in (
        by_account("google", f"{PUSH} sales@acme.example"),
        by_account("google", "projects/p/subscriptions/other info@acme.example"),
        by_account("google", f"{PUSH} info@acme.example\x00"),
        by_account("microsoft", route),
        by_account("google", ""),
        by_account("imap", ""),
    ):
        assert await routes.find([unknown]) == {}


async def test_a_name_leads_to_its_mailbox(registry: MailboxRegistry, routes: Routes) -> None:
    await registry.add(imap_mailbox())
    await registry.add(imap_mailbox(tenant="globex"))

    keys = [
        by_mailbox("globex", "support"),
        by_mailbox("acme", "support"),
        by_mailbox("acme", "sales"),
        by_mailbox("", ""),
        by_mailbox("acme", "\x00"),
    ]

    assert await found(routes, *keys) == {
        key: Route(tenant=tenant, id="support", provider="imap")
        for key, tenant in zip(keys, ("globex", "acme"), strict=False)
    }


async def test_keys_of_all_kinds_are_found_at_once(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, routes: Routes, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    await registry.add(imap_mailbox())
    await registry.add(google_mailbox())

    keys = [
        by_subscription("subscription-1"),
        by_account("google", f"{PUSH} info@acme.example"),
        by_mailbox("acme", "support"),
    ]

    assert {key: route.id for key, route in (await routes.find(keys)).items()} == dict(
        zip(keys, ("sales", "info", "support"), strict=True)
    )
    assert await routes.find([]) == {}


async def test_a_route_shows_whether_its_mailbox_is_paused(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, routes: Routes, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))
    await registry.add(google_mailbox())
    for name in ("sales", "info"):
        await registry.pause("acme", name, Pause(PausedBy.ACCESS, "invalid_grant", NOON))
    keys = [
        by_subscription("subscription-1"),
        by_account("google", f"{PUSH} info@acme.example"),
        by_mailbox("acme", "sales"),
    ]

    assert [route.is_paused for route in (await routes.find(keys)).values()] == [True] * 3

    for name in ("sales", "info"):
        await registry.resume("acme", name)
    assert [route.is_paused for route in (await routes.find(keys)).values()] == [False] * 3


async def test_a_route_shows_of_an_account_what_is_no_secret(
    registry: MailboxRegistry, routes: Routes
) -> None:
    await registry.add(google_mailbox())
    await registry.add(microsoft_mailbox())

    google, microsoft = by_mailbox("acme", "info"), by_mailbox("acme", "sales")
    shown = await routes.find([google, microsoft])

    assert shown[google].account["push_service_account"] == "push@p.iam.gserviceaccount.com"
    assert shown[microsoft].account["client_id"] == "client-1"
    assert "service_account" not in shown[google].account
    assert "credentials" not in shown[microsoft].account


async def test_a_notification_is_routed_where_its_account_cannot_be_read(
    registry: MailboxRegistry, routes: Routes, without: Without
) -> None:
    await registry.add(imap_mailbox())

    await without("imap")

    [route] = (await routes.find([by_mailbox("acme", "support")])).values()
    assert bare(route) == Route(tenant="acme", id="support", provider="imap")


async def test_a_mailbox_that_is_removed_is_led_to_no_more(
    registry: MailboxRegistry, folder_syncs: FolderSyncs, routes: Routes, claimed: FolderSync
) -> None:
    await folder_syncs.save(subscribed(claimed))

    await registry.remove("acme", "sales")

    assert await routes.find([by_subscription("subscription-1"), by_mailbox("acme", "sales")]) == {}


async def test_what_accounts_have_in_a_field_is_given_in_lower_case(
    registry: MailboxRegistry, routes: Routes
) -> None:
    account = google_mailbox().account
    assert isinstance(account, GoogleAccount)
    for name, pusher in (("a", "One@p.example"), ("b", "two@p.example"), ("c", "one@P.example")):
        its_own = replace(account, push_service_account=pusher)
        await registry.add(
            replace(google_mailbox(name=name, address=f"{name}@acme.example"), account=its_own)
        )
    await registry.add(google_mailbox("globex"))
    await registry.add(imap_mailbox())

    assert await routes.account_values("google", "push_service_account") == {
        "one@p.example",
        "two@p.example",
        account.push_service_account,
    }
    for provider, field in (("google", "service_account"), ("imap", "push_service_account")):
        assert await routes.account_values(provider, field) == frozenset()
