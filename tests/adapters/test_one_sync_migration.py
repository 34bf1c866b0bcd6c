"""What 0007_one_sync.sql makes of cursors, and of mailboxes that had no folder syncs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.migrations import FOLDER, migrate
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import Route, by_account
from postroom.domain.account import Secret
from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.mailbox import InvalidMailbox
from tests.contracts.samples import google_mailbox
from tests.providers import ACCOUNTS

MOVED_AT = datetime(2030, 1, 1, 12, tzinfo=UTC)
CREATED_AT = datetime(2029, 12, 31, 8, tzinfo=UTC)
LEASE = timedelta(minutes=10)

PUSH = "projects/p/subscriptions/s"
GOOGLE = {"provider": "google", "pubsub_subscription": PUSH, "push_service_account": "push@p"}

EARLY, LATE = "2030-01-01T11:00:00.000001+00:00", "2030-01-01T12:30:00+01:00"

LONG = "Anfragen/" + 300 * "ö"
"""A folder whose cursors were stored under the digests of their names."""


@pytest.fixture
async def before(empty_database: str, tmp_path: Path) -> str:
    """The URL of a database that is not migrated to it yet."""
    folder = copytree(FOLDER, tmp_path / "migrations")
    for file in folder.iterdir():
        if file.name >= "0007":
            file.unlink()
    await migrate(empty_database, folder)
    return empty_database


def insert(url: str, table: str, rows: Sequence[dict[str, Any]]) -> None:
    with psycopg.connect(url) as connection:
        for row in rows:
            names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
            connection.execute(
                f"INSERT INTO postroom.{table} ({names}) VALUES ({marks})".encode(),
                list(row.values()),
            )


def add_mailbox(
    url: str, name: str, account: dict[str, Any], cursors: dict[str, str] | None = None
) -> None:
    """With *cursors* that all moved at MOVED_AT."""
    key = {"tenant": "acme", "mailbox": name}
    mailbox = {
        "tenant": "acme",
        "id": name,
        "address": f"{name.title()}@acme.example",
        "account": Jsonb(account),
        "secrets": b"",
        "added_at": CREATED_AT,
    }
    insert(url, "mailbox", [mailbox])
    moved = [{"name": indexable(of), "position": at} for of, at in (cursors or {}).items()]
    insert(url, "cursor", [{**key, **each, "moved_at": MOVED_AT} for each in moved])


async def folder_syncs(url: str) -> dict[tuple[str, str], FolderSync]:
    """Those that there are when the migration is done."""
    await migrate(url)
    async with Database(url) as database:
        found = await PostgresFolderSyncs(database).all()
    return {(each.mailbox, each.folder): each for each in found}


@pytest.mark.parametrize("folder", ["inbox", LONG, 504 * "x", 505 * "x"])
async def test_what_was_listed_of_a_folder_is_not_listed_again(before: str, folder: str) -> None:
    cursors = {f"changes:{folder}": "delta-1", f"owed:{folder}": "", "changes:Sent": "elsewhere"}
    add_mailbox(before, "sales", {"provider": "microsoft"}, cursors)
    due = {"tenant": "acme", "mailbox": "sales", "due_at": MOVED_AT, "synced_at": CREATED_AT}
    insert(before, "folder_sync", [{**due, "folder": folder}, {**due, "folder": "A"}])

    found = await folder_syncs(before)

    expected = FolderSync(
        tenant="acme", mailbox="sales", folder=folder, due_at=MOVED_AT, synced_at=CREATED_AT
    )
    assert list(found.values()) == [
        replace(expected, folder="A"),
        replace(expected, position="delta-1", position_at=MOVED_AT),
    ]


@pytest.mark.parametrize("folder", ["inbox", LONG])
@pytest.mark.parametrize(
    ("owed", "backfill"),
    [
        (EARLY, None),
        (EARLY, ""),
        (EARLY, LATE),
        (LATE, EARLY),
        ("", EARLY),
        (None, EARLY),
    ],
)
async def test_what_was_still_to_be_listed_by_date_is_listed(
    before: str, folder: str, owed: str | None, backfill: str | None
) -> None:
    cursors = {f"owed:{folder}": owed, f"backfill:{folder}": backfill}
    stood = {name: since for name, since in cursors.items() if since is not None}
    add_mailbox(before, "sales", {"provider": "microsoft"}, stood)
    due = {"tenant": "acme", "mailbox": "sales", "folder": folder, "due_at": MOVED_AT}
    insert(before, "folder_sync", [due])

    found = (await folder_syncs(before))["sales", folder]

    assert found.backfill_from == datetime.fromisoformat(EARLY)
    assert found.position == ""


async def test_notifications_are_expected_since_the_subscription_was_made(before: str) -> None:
    add_mailbox(before, "sales", {"provider": "microsoft"})
    subscription = {
        "id": "subscription-1",
        "secret_digest": "5e" * 32,
        "endpoint": "https://postroom.acme.example/webhooks/microsoft",
        "created_at": "2029-12-31T08:00:00Z",
        "renewed_at": "2030-01-01T12:00:00Z",
        "expires_at": "2030-01-07T12:00:00Z",
    }
    due = {"tenant": "acme", "mailbox": "sales", "due_at": MOVED_AT}
    insert(
        before,
        "folder_sync",
        [
            {**due, "folder": "inbox", "subscription": Jsonb(subscription)},
            {**due, "folder": "polled", "mode": "polling"},
        ],
    )

    found = await folder_syncs(before)

    assert found["sales", "inbox"].announced_since == CREATED_AT
    assert found["sales", "polled"].announced_since is None


@pytest.mark.parametrize(
    ("account", "cursors", "positions"),
    [
        (GOOGLE, {"history": "1042"}, {"all mail": "1042"}),
        (GOOGLE, {}, {"all mail": ""}),
        (
            {"provider": "imap", "folders": ["INBOX", "Anfragen/Möbel", "INBOX", "history"]},
            {"imap:INBOX": "1700000001:9", "imap:Anfragen/Möbel": "17:2", "imap:Sent": "5:1"},
            {"Anfragen/Möbel": "17:2", "INBOX": "1700000001:9", "history": ""},
        ),
        ({"provider": "imap"}, {"imap:INBOX": "1:9"}, {"INBOX": "1:9"}),
        ({"provider": "imap", "folders": [LONG]}, {f"imap:{LONG}": "1:9"}, {LONG: "1:9"}),
    ],
    ids=["google", "google before any mail", "imap", "imap without folders", "imap, long name"],
)
async def test_a_mailbox_that_had_no_folder_syncs_goes_on_from_its_cursors(
    before: str, account: dict[str, Any], cursors: dict[str, str], positions: dict[str, str]
) -> None:
    add_mailbox(before, "support", account, cursors)

    found = await folder_syncs(before)

    assert {folder: each.position for (_, folder), each in found.items()} == positions
    for each in found.values():
        moved_at = MOVED_AT if each.position else None
        assert (each.position_at, each.synced_at) == (moved_at, moved_at)
        assert each.mode is Mode.NOTIFICATIONS
        assert each.backfill_from is None
    async with Database(before) as database:
        now = datetime(3000, 1, 1, tzinfo=UTC)
        assert len(await PostgresFolderSyncs(database).claim_due(now, 10, LEASE)) == len(positions)


async def test_what_an_account_is_notified_by_leads_to_its_mailbox(before: str) -> None:
    add_mailbox(before, "info", GOOGLE)
    add_mailbox(before, "support", {"provider": "imap", "folders": ["INBOX"]})
    await migrate(before)
    account = GoogleAccount(
        service_account=Secret("key"), pubsub_subscription=PUSH, push_service_account="push@p"
    )
    key = by_account("google", account.route("INFO@acme.example"))

    async with Database(before) as database:
        found = await PostgresRoutes(database).find([key])
        registry = PostgresMailboxRegistry(database, FernetCipher([generate_key()]), ACCOUNTS)
        with pytest.raises(InvalidMailbox, match="same notifications"):
            await registry.add(google_mailbox("globex"))

    assert found == {
        key: Route(
            tenant="acme",
            id="info",
            provider="google",
            account={**GOOGLE},
        )
    }


async def test_no_cursor_is_left(before: str) -> None:
    add_mailbox(before, "info", GOOGLE, {"history": "1042"})

    await migrate(before)

    with psycopg.connect(before) as connection:
        assert connection.execute("SELECT to_regclass('postroom.cursor')").fetchone() == (None,)
