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
    MicrosoftCredentials,
)
from postroom.adapters.postgres.account import split
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.domain.account import Account, Secret
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

MAILBOXES = [
    *(microsoft_mailbox(), certified_mailbox(), delegated_mailbox()),
    *(google_mailbox(), imap_mailbox()),
]
SECRETS = [
    *("microsoft-client-secret", "microsoft-certificate", "microsoft-refresh-token"),
    *("google-private-key", "imap-password"),
]
OLD, NEW = generate_key(), generate_key()


@pytest.fixture
async def registry(database: Database) -> PostgresMailboxRegistry:
    """All of MAILBOXES, encrypted with OLD."""
    registry = PostgresMailboxRegistry(database, FernetCipher([OLD]))
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
    account = mailbox.account
    plain, sealed = split(account)
    secrets = json.loads(sealed)
    part: Account | MicrosoftCredentials = account
    if isinstance(account, MicrosoftAccount):
        part, plain, secrets = account.credentials, plain["credentials"], secrets["credentials"]

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
    registry = PostgresMailboxRegistry(database, FernetCipher([OLD]))
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
    assert await registry.replace_credentials(found, DelegatedAccess(Secret("token")))
    assert await registry.get("acme", "sales") == microsoft_mailbox(
        credentials=DelegatedAccess(Secret("token")), folders=("Inbox/Orders",)
    )


async def test_renewed_credentials_are_sealed_as_well(
    conninfo: str, registry: PostgresMailboxRegistry
) -> None:
    renewed = DelegatedAccess(Secret("microsoft-next-token"))

    assert await registry.replace_credentials(delegated_mailbox(), renewed)

    stored = rows(conninfo, "SELECT mailbox::text, encode(secrets, 'escape') FROM postroom.mailbox")
    assert "microsoft-next-token" not in stored
    await registry.get("acme", "shared")


async def test_another_key_is_refused_and_named(
    database: Database, registry: PostgresMailboxRegistry
) -> None:
    other = PostgresMailboxRegistry(database, FernetCipher([NEW]))

    for read in (
        other.get("acme", "support"),
        other.all(),
        other.of_push("projects/p/subscriptions/s", "info@acme.example"),
    ):
        with pytest.raises(AccessFailed, match="keep the old key in POSTROOM_SECRET_KEYS"):
            await read
    assert await registry.get("acme", "support")


@pytest.mark.usefixtures("registry")
async def test_a_subscription_leads_to_its_mailbox_without_a_key(database: Database) -> None:
    folder_syncs = PostgresFolderSyncs(database)
    for n, folder_sync in enumerate(await folder_syncs.claim_due(NOON, 10, timedelta(minutes=1))):
        await folder_syncs.save(
            replace(folder_sync, subscription=subscription(f"subscription-{n}"))
        )

    found = await folder_syncs.subscribed_folders([f"subscription-{n}" for n in range(3)])

    assert sorted(each.id for each in found.values()) == ["orders", "sales", "shared"]


@pytest.mark.usefixtures("registry")
async def test_a_new_key_in_front_leaves_the_old_rows_readable(database: Database) -> None:
    rotated = PostgresMailboxRegistry(database, FernetCipher([NEW, OLD]))

    assert await rotated.get("acme", "support") == imap_mailbox()
    added = imap_mailbox(tenant="globex")
    await rotated.add(added)

    only_new = PostgresMailboxRegistry(database, FernetCipher([NEW]))
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
