"""The mailboxes of the release before: their accounts, pauses and failures of access."""

import json
from dataclasses import replace

from postroom.adapters.google.account import GoogleAccount, route_of
from postroom.adapters.google.labels import ALL_MAIL
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.adapters.microsoft.account import (
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
)
from postroom.adapters.microsoft.certificate import read_certificate
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.application.ports import by_account
from postroom.domain.access import NO_FAILURES, AccessTally
from postroom.domain.account import Secret
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from tests.adapters.first_release.recorded import DENIED, at

PUSHED = "info@ACME.example"
"""The address of acme/info as a push may name it."""


async def test_every_mailbox_is_there(registry: PostgresMailboxRegistry) -> None:
    found = [(each.tenant, each.id, each.provider) for each in await registry.all()]

    assert found == [
        ("acme", "events", "microsoft"),
        ("acme", "fresh", "microsoft"),
        ("acme", "info", "google"),
        ("acme", "invoices", "microsoft"),
        ("acme", "sales", "microsoft"),
        ("acme", "support", "imap"),
        ("acme", "team", "microsoft"),
        ("globex", "desk", "imap"),
        ("globex", "hr", "microsoft"),
        ("globex", "office", "microsoft"),
        ("globex", "sales", "microsoft"),
    ]


async def test_a_microsoft_mailbox_is_as_it_was_added(registry: PostgresMailboxRegistry) -> None:
    assert await registry.get("acme", "sales") == Mailbox(
        tenant="acme",
        id="sales",
        address="Sales@acme.example",
        account=MicrosoftAccount(
            directory="84bd8158-6d4d-4958-8b9f-9d6445542f95",
            client_id="24d3b144-21ae-4080-943f-7067b395b913",
            credentials=ClientSecret(Secret("the application's secret")),
            user="sales@acme.example",
            folders=("inbox", "Inbox/Orders", "Inbox/Angebote Süd"),
        ),
        added_at=at(9, 0),
    )


async def test_an_imap_mailbox_is_as_it_was_added(registry: PostgresMailboxRegistry) -> None:
    assert await registry.get("acme", "support") == Mailbox(
        tenant="acme",
        id="support",
        address="Support@acme.example",
        account=ImapAccount(
            host="imap.acme.example",
            port=143,
            username="support",
            password=Secret("hush"),
            security=Security.STARTTLS,
            folders=("INBOX", "Anfragen/Möbel"),
        ),
        added_at=at(9, 0),
    )


async def test_a_push_leads_to_its_mailbox(
    registry: PostgresMailboxRegistry, routes: PostgresRoutes
) -> None:
    pushed = by_account("google", route_of("projects/project/subscriptions/gmail", PUSHED))

    route = (await routes.find([pushed]))[pushed]

    assert (route.tenant, route.id, route.is_paused) == ("acme", "info", False)
    assert route.account["push_service_account"] == "pusher@project.iam.gserviceaccount.com"
    found = await registry.get(route.tenant, route.id)
    assert found
    assert isinstance(found.account, GoogleAccount)
    assert found.account.route(found.address) == route_of(found.account.pubsub_subscription, PUSHED)
    assert found.account.push_service_account == route.account["push_service_account"]
    assert found.account.labels == ALL_MAIL  # as it was, when none could be chosen
    key = json.loads(found.account.service_account.value)
    assert key["client_email"] == "postroom@project.iam.gserviceaccount.com"


async def test_a_certificate_can_be_used(registry: PostgresMailboxRegistry) -> None:
    mailbox = await registry.get("acme", "invoices")

    assert mailbox
    assert isinstance(mailbox.account, MicrosoftAccount)
    assert isinstance(mailbox.account.credentials, ClientCertificate)
    assert read_certificate(mailbox.account.credentials.certificate).for_msal()


async def test_the_access_of_a_person_is_kept_and_can_be_renewed(
    registry: PostgresMailboxRegistry,
) -> None:
    mailbox = await registry.get("acme", "team")

    assert mailbox
    assert isinstance(mailbox.account, MicrosoftAccount)
    access = mailbox.account.credentials
    assert isinstance(access, DelegatedAccess)
    assert access.object_id == "38387d12-36e0-5590-ad8e-ffe4119b3a92"
    assert access.principal_name == "clerk@acme.example"
    assert access.refresh_token.value.startswith("1.")
    renewed = replace(mailbox.account, credentials=DelegatedAccess(Secret("renewed")))
    assert await registry.replace_account(mailbox, renewed)


async def test_pauses_and_failures_of_access_are_kept(registry: PostgresMailboxRegistry) -> None:
    found = {each.id: (each.paused, each.access) for each in await registry.all(tenant="globex")}

    assert found == {
        "desk": (Pause(PausedBy.OPERATOR, "moves to another server", at(9, 18)), NO_FAILURES),
        "hr": (None, AccessTally(2, at(10, 21))),
        "office": (Pause(PausedBy.ACCESS, DENIED, at(9, 41)), AccessTally(11, at(10, 21))),
        "sales": (None, NO_FAILURES),
    }


async def test_a_mailbox_that_was_suspended_can_go_on_and_is_synced_then(
    registry: PostgresMailboxRegistry, folder_syncs: PostgresFolderSyncs
) -> None:
    assert await registry.resume("globex", "office", paused_by=PausedBy.ACCESS)

    mailbox = await registry.get("globex", "office")
    assert mailbox
    assert (mailbox.paused, mailbox.access) == (None, NO_FAILURES)
    [folder_sync] = await folder_syncs.all(tenant="globex", mailbox="office")
    assert folder_sync.requests == {Request.SYNC}
