"""How credentials are kept in PostgreSQL."""

import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.microsoft.account import (
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
)
from postroom.adapters.postgres.account import AccountFormat
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.application.ports import by_account, by_subscription
from postroom.domain.account import Secret, UnreadableAccount
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import Mailbox
from tests.contracts.samples import (
    NOON,
    certified_mailbox,
    delegated_mailbox,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
    subscription,
)
from tests.providers import ACCOUNTS

MAILBOXES = [
    *(microsoft_mailbox(), certified_mailbox(), delegated_mailbox()),
    *(google_mailbox(), imap_mailbox()),
]
SECRETS = [
    *("microsoft-client-secret", "microsoft-certificate", "microsoft-refresh-token"),
    *("google-private-key", "imap-password"),
]
OLD, NEW = generate_key(), generate_key()
BY_NAME = {mailbox.id: mailbox for mailbox in MAILBOXES}


def opened(database: Database, *keys: str) -> PostgresMailboxRegistry:
    return PostgresMailboxRegistry(database, FernetCipher(keys), ACCOUNTS)


@pytest.fixture
async def registry(database: Database) -> PostgresMailboxRegistry:
    """All of MAILBOXES, encrypted with OLD."""
    registry = opened(database, OLD)
    for mailbox in MAILBOXES:
        await registry.add(mailbox)
    return registry


def rows(conninfo: str, statement: str) -> str:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return str(cursor.fetchall() if cursor.description else "")


@pytest.mark.usefixtures("registry")
async def test_no_secret_is_in_the_database_in_clear(conninfo: str) -> None:
    stored = rows(conninfo, "SELECT mailbox::text, encode(secrets, 'escape') FROM postroom.mailbox")

    assert "imap.acme.example" in stored
    assert [secret for secret in SECRETS if secret in stored] == []


@pytest.mark.parametrize("mailbox", MAILBOXES, ids=lambda mailbox: mailbox.id)
def test_every_field_that_is_a_secret_is_sealed(mailbox: Mailbox) -> None:
    part: Any = mailbox.account
    plain, sealed = AccountFormat(ACCOUNTS).split(mailbox.account)
    secrets = json.loads(sealed)
    if isinstance(part, MicrosoftAccount):
        part, plain, secrets = part.credentials, plain["credentials"], secrets["credentials"]

    declared = {field.name for field in fields(part) if field.type is Secret}

    assert declared
    assert declared.isdisjoint(plain)
    assert declared == set(secrets)


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ({}, {"client_secret": "hush"}),
        ({"credentials": {"kind": "secret"}}, {"credentials": {"secret": "hush"}}),
    ],
    ids=["only client secrets", "one subscription"],
)
async def test_an_account_that_an_earlier_release_has_stored_is_still_read(
    conninfo: str, database: Database, shown: dict[str, Any], hidden: dict[str, Any]
) -> None:
    plain = {
        "provider": "microsoft",
        "directory": "directory-1",
        "client_id": "client-1",
        "user": "sales@acme.example",
        "subscription_id": "subscription-1",
        "folder": "Inbox/Orders",
    }
    secrets = {**hidden, "client_state": "microsoft-client-state"}
    registry = opened(database, OLD)
    await registry.add(microsoft_mailbox())
    with psycopg.connect(conninfo) as connection:
        sealed = FernetCipher([OLD]).seal(json.dumps(secrets).encode(), "acme/sales")
        connection.execute(
            "UPDATE postroom.mailbox SET account = %s, secrets = %s",
            [Jsonb({**plain, **shown}), sealed],
        )

    found = await registry.get("acme", "sales")

    credentials = ClientSecret(Secret("hush"))
    assert found == microsoft_mailbox(credentials=credentials, folders=("Inbox/Orders",))
    renewed = microsoft_mailbox(
        credentials=DelegatedAccess(Secret("token")), folders=("Inbox/Orders",)
    )
    assert await registry.replace_account(found, renewed.account)
    assert await registry.get("acme", "sales") == renewed


async def test_renewed_credentials_are_sealed_as_well(
    conninfo: str, registry: PostgresMailboxRegistry
) -> None:
    mailbox = delegated_mailbox()
    assert isinstance(mailbox.account, MicrosoftAccount)
    renewed = DelegatedAccess(Secret("microsoft-next-token"))

    assert await registry.replace_account(mailbox, replace(mailbox.account, credentials=renewed))

    stored = rows(conninfo, "SELECT mailbox::text, encode(secrets, 'escape') FROM postroom.mailbox")
    assert "microsoft-next-token" not in stored
    await registry.get("acme", "shared")


async def test_another_key_is_refused_and_named(
    database: Database, registry: PostgresMailboxRegistry
) -> None:
    other = opened(database, NEW)

    with pytest.raises(AccessFailed, match="keep the old key in POSTROOM_SECRET_KEYS"):
        await other.get("acme", "support")

    assert await registry.get("acme", "support")


async def test_accounts_under_another_key_cost_the_others_nothing_and_are_not_lost(
    database: Database, registry: PostgresMailboxRegistry
) -> None:
    other = opened(database, NEW)
    readable = imap_mailbox(tenant="globex")
    await other.add(readable)

    *unread, last = await other.all()

    assert last == readable
    assert [(mailbox.id, mailbox.provider) for mailbox in unread] == [
        *(("info", "google"), ("orders", "microsoft"), ("sales", "microsoft")),
        *(("shared", "microsoft"), ("support", "imap")),
    ]
    for mailbox in unread:
        assert isinstance(mailbox.account, UnreadableAccount)
        assert "keep the old key in POSTROOM_SECRET_KEYS" in mailbox.account.reason
        with pytest.raises(AccessFailed, match="keep the old key"):
            await other.replace_account(mailbox, readable.account)
    assert {mailbox.id: mailbox for mailbox in await registry.all(tenant="acme")} == BY_NAME


async def test_an_account_of_a_provider_that_is_missing_is_there_when_it_is_back(
    database: Database, registry: PostgresMailboxRegistry
) -> None:
    only = {"imap": ACCOUNTS["imap"]}
    limited = PostgresMailboxRegistry(database, FernetCipher([OLD]), only)
    for mailbox in await limited.all():
        await limited.save_access(mailbox, mailbox.access)
        await limited.resume("acme", mailbox.id)

    found = {mailbox.id: mailbox for mailbox in await limited.all()}
    assert found.keys() == BY_NAME.keys()
    assert found["support"] == await limited.get("acme", "support") == BY_NAME["support"]
    assert found["info"].account == UnreadableAccount(
        "google", "this release of Postroom has no provider google"
    )
    with pytest.raises(AccessFailed, match="no provider google"):
        await limited.add(google_mailbox("globex"))
    assert {mailbox.id: mailbox for mailbox in await registry.all()} == BY_NAME


@pytest.mark.usefixtures("registry")
async def test_a_notification_leads_to_its_mailbox_without_a_key(database: Database) -> None:
    folder_syncs = PostgresFolderSyncs(database)
    for claimed in await folder_syncs.claim_due(NOON, 10, timedelta(minutes=1)):
        name = f"{claimed.mailbox}-{claimed.folder}"
        await folder_syncs.save(replace(claimed, subscription=subscription(name)))
    route = google_mailbox().account.route("info@acme.example")
    keys = [by_subscription(f"{name}-inbox") for name in ("orders", "sales", "shared")]

    found = await PostgresRoutes(database).find([*keys, by_account("google", route)])

    assert sorted(each.id for each in found.values()) == ["info", "orders", "sales", "shared"]


@pytest.mark.usefixtures("registry")
async def test_a_new_key_in_front_leaves_the_old_rows_readable(database: Database) -> None:
    rotated = opened(database, NEW, OLD)

    assert await rotated.get("acme", "support") == imap_mailbox()
    added = imap_mailbox(tenant="globex")
    await rotated.add(added)

    only_new = opened(database, NEW)
    assert await only_new.get("globex", "support") == added


async def test_a_ciphertext_moved_to_another_row_is_refused(
    conninfo: str, registry: PostgresMailboxRegistry
) -> None:
    await registry.add(imap_mailbox(name="other"))
    rows(
        conninfo,
        "UPDATE postroom.mailbox SET secrets = (SELECT secrets FROM postroom.mailbox"
        " WHERE id = 'support') WHERE id = 'other'",
    )

    with pytest.raises(AccessFailed, match="they are another mailbox's"):
        await registry.get("acme", "other")


@pytest.mark.parametrize("change", ["account - 'host'", """account || '{"own": 1}'"""])
async def test_an_account_of_another_release_is_refused(
    conninfo: str, registry: PostgresMailboxRegistry, change: str
) -> None:
    rows(conninfo, f"UPDATE postroom.mailbox SET account = {change} WHERE id = 'support'")

    with pytest.raises(AccessFailed, match="not of this release") as caught:
        await registry.get("acme", "support")

    assert "imap-password" not in str(caught.value.__cause__)
