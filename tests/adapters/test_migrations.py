"""The schema and how it comes about."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.postgres.applications import PostgresApplications
from postroom.adapters.postgres.connection import InvalidDatabaseUrl
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.errors import MigrationError
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.handover_records import PostgresHandoverRecords
from postroom.adapters.postgres.handovers import PostgresHandovers
from postroom.adapters.postgres.health import MigrationsHealth, PostgresHealth
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.migrations import FOLDER, migrate, pending, read_migrations
from postroom.application.ports import HandoverFilter
from postroom.domain.failure import Unavailable
from postroom.domain.handover.answer import Done
from postroom.domain.handover.handover import State
from tests.contracts.handing_over import ORDERED, accept_one, answer, claim_one, new_handover
from tests.contracts.samples import identity, imap_mailbox
from tests.providers import POINTERS

ALL = [migration.name for migration in read_migrations()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of our migrations that may be changed."""
    return copytree(FOLDER, tmp_path / "migrations")


@pytest.fixture
def stranger(empty_database: str) -> Iterator[str]:
    """The URL of `empty_database` for a user who may do nothing there yet."""
    name = f"stranger_{uuid4().hex}"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(name)))
        yield as_user(empty_database, name)
        connection.execute(SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(Identifier(name)))


def as_user(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}"))


def sql(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def scalars(url: str, query: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [str(value) for (value,) in connection.execute(query.encode())]


def test_migrations_are_numbered_without_a_gap() -> None:
    versions = [migration.version for migration in read_migrations()]

    assert versions == [f"{n:04}" for n in range(1, len(versions) + 1)]


async def test_an_empty_database_is_brought_up_to_date(empty_database: str) -> None:
    assert await pending(empty_database) == ALL

    applied = await migrate(empty_database)

    assert applied == ALL
    assert await pending(empty_database) == []


async def test_a_database_that_is_up_to_date_is_left_alone(empty_database: str) -> None:
    await migrate(empty_database)

    assert await migrate(empty_database) == []


async def test_only_what_is_new_is_applied(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    (folder / "9000_more.sql").write_text("CREATE TABLE more (); CREATE TABLE even_more ();")

    assert await pending(empty_database, folder) == ["9000_more.sql"]
    assert await migrate(empty_database, folder) == ["9000_more.sql"]


async def test_of_many_that_start_at_once_one_applies(empty_database: str) -> None:
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(migrate(empty_database) for _ in range(6)))

    assert sorted(answers, key=len) == [[]] * 5 + [ALL]


async def test_several_databases_of_a_cluster_may_be_set_up_at_once(empty_database: str) -> None:
    """The role is one for all of them."""
    names = [f"test_{uuid4().hex}" for _ in range(4)]
    for name in names:
        sql(empty_database, f"CREATE DATABASE {name}")
    urls = [urlunsplit(urlsplit(empty_database)._replace(path=f"/{name}")) for name in names]

    try:
        assert await asyncio.gather(*map(migrate, urls)) == [ALL] * 4
    finally:
        for name in names:
            sql(empty_database, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_file_that_fails_leaves_nothing(empty_database: str, folder: Path) -> None:
    (folder / "9000_bad.sql").write_text("CREATE TABLE half (); CREATE TABLE half ();")

    with pytest.raises(MigrationError, match=r'^9000_bad\.sql: relation "half" already exists$'):
        await migrate(empty_database, folder)

    assert await pending(empty_database, folder) == ["9000_bad.sql"]
    assert scalars(empty_database, "SELECT to_regclass('postroom.half')") == ["None"]


async def test_a_changed_file_is_refused(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    with (folder / ALL[1]).open("a") as file:
        file.write("-- an afterthought\n")

    for run in (migrate, pending):
        with pytest.raises(MigrationError, match=f"{ALL[1]} was changed after"):
            await run(empty_database, folder)


async def test_a_newer_database_is_refused(empty_database: str, folder: Path) -> None:
    (folder / "9000_more.sql").write_text("CREATE TABLE more ();")
    await migrate(empty_database, folder)

    for run in (migrate, pending):
        with pytest.raises(MigrationError, match=r"newer than this release \(it has 9000\)"):
            await run(empty_database)


async def test_a_migration_does_not_queue_up_behind_live_traffic(
    empty_database: str, folder: Path
) -> None:
    await migrate(empty_database, folder)
    (folder / "9000_more.sql").write_text(
        "SET LOCAL lock_timeout = '50ms'; ALTER TABLE outcome ADD COLUMN more text;"
    )
    with psycopg.connect(empty_database) as reader:
        reader.execute("SELECT FROM postroom.outcome")

        with pytest.raises(MigrationError, match=r"9000_more\.sql: others hold a lock"):
            await migrate(empty_database, folder)

    assert await migrate(empty_database, folder) == ["9000_more.sql"]


async def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(MigrationError, match="connecting: ") as caught:
        await migrate("postgresql://user:hunter2@127.0.0.1:1/postroom")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "x=hunter2",
        "postgresql://u:pass@hunter2:word@host/db",
        "postgresql://u:pass@hunter2@host/db",
    ],
)
async def test_a_wrong_url_is_not_repeated(url: str) -> None:
    with pytest.raises(InvalidDatabaseUrl, match="POSTROOM_DATABASE_URL") as caught:
        await migrate(url)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_a_database_that_cannot_hold_mail_is_refused(empty_database: str) -> None:
    name = f"test_{uuid4().hex}"
    sql(
        empty_database,
        f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    )
    try:
        with pytest.raises(MigrationError, match="LATIN1, and mail needs UTF8"):
            await migrate(urlunsplit(urlsplit(empty_database)._replace(path=f"/{name}")))
    finally:
        sql(empty_database, f"DROP DATABASE {name} WITH (FORCE)")


async def test_every_table_is_kept_apart_by_tenant(empty_database: str) -> None:
    await migrate(empty_database)

    tables = scalars(
        empty_database,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'postroom'::regnamespace"
        " AND relname NOT IN ('migration', 'queue_witness', 'blob_canary', 'pull') ORDER BY 1",
    )

    assert len(tables) == 17
    assert tables == scalars(
        empty_database,
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p') ORDER BY 1",
    )
    assert tables == scalars(
        empty_database,
        "SELECT tablename FROM pg_policies WHERE cmd = 'ALL' AND permissive = 'PERMISSIVE'"
        " AND qual = '(tenant = current_setting(''postroom.tenant''::text, true))' ORDER BY 1",
    )
    assert tables == scalars(
        empty_database,
        "SELECT relname FROM pg_class JOIN pg_index ON indrelid = pg_class.oid"
        " JOIN pg_attribute ON attrelid = pg_class.oid AND attnum = indkey[0]"
        " WHERE indisprimary AND attname = 'tenant' ORDER BY 1",
    )


async def test_mailboxes_of_an_earlier_release_are_synced_and_paused_as_they_were(
    empty_database: str, folder: Path
) -> None:
    later = [folder / name for name in ALL if name > "0005"]
    for file in later:
        file.unlink()
    await migrate(empty_database, folder)
    for name, account, paused in (
        ("a", {"provider": "microsoft", "subscription_id": "1", "folder": "Inbox/Orders"}, ""),
        ("b", {"provider": "microsoft", "subscription_id": "2", "folder": "inbox"}, "moved"),
        ("c", {"provider": "imap", "folders": ["INBOX"]}, ""),
    ):
        with psycopg.connect(empty_database) as connection:
            connection.execute(
                "INSERT INTO postroom.mailbox VALUES ('acme', %s, %s, %s, '', now(), %s)",
                [name, f"{name}@acme.example", Jsonb(account), paused],
            )

    assert await migrate(empty_database) == [file.name for file in later]

    async with Database(empty_database) as database:
        due = await PostgresFolderSyncs(database).claim_due(
            datetime(3000, 1, 1, tzinfo=UTC), 10, timedelta(hours=1)
        )
    assert sorted((each.mailbox, each.folder) for each in due) == [
        *(("a", "Inbox/Orders"), ("b", "inbox"), ("c", "INBOX")),
    ]
    assert scalars(
        empty_database,
        "SELECT (id, paused_by, paused_reason, paused_since <= now()) FROM postroom.mailbox"
        " ORDER BY id",
    ) == ["('a', None, None, None)", "('b', 'operator', 'moved', 't')", "('c', None, None, None)"]


async def test_a_list_that_the_release_before_owes_queues_nothing_dead_again_until_it_is_asked_to(
    empty_database: str, folder: Path
) -> None:
    (folder / "0009_dead_again.sql").unlink()
    await migrate(empty_database, folder)
    sql(
        empty_database,
        "INSERT INTO postroom.mailbox (tenant, id, address, account, secrets, added_at)"
        " VALUES ('acme', 'a', 'a@acme.example', '{}', '', now());"
        "INSERT INTO postroom.folder_sync (tenant, mailbox, folder, due_at, backfill_from)"
        " VALUES ('acme', 'a', 'inbox', now(), now())",
    )
    await migrate(empty_database)

    async with Database(empty_database) as database:
        folder_syncs = PostgresFolderSyncs(database)
        [owed] = await folder_syncs.all()
        assert owed.backfill_from
        now = owed.backfill_from
        await folder_syncs.request_backfill("acme", "a", now, now, dead_before=now)
        [asked] = await folder_syncs.all()

    assert (owed.dead_before, asked.dead_before) == (None, now)


async def test_the_role_of_the_application_bypasses_nothing(empty_database: str) -> None:
    await migrate(empty_database)

    assert scalars(
        empty_database,
        "SELECT rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole OR EXISTS ("
        "  SELECT FROM pg_class WHERE relowner = pg_roles.oid)"
        " FROM pg_roles WHERE rolname = 'postroom_app'",
    ) == ["False"]


async def test_a_role_that_could_bypass_is_refused(empty_database: str) -> None:
    await migrate(empty_database)
    sql(empty_database, "ALTER ROLE postroom_app BYPASSRLS")

    try:
        with pytest.raises(MigrationError, match="ALTER ROLE postroom_app NOSUPERUSER"):
            await migrate(empty_database)
    finally:
        sql(empty_database, "ALTER ROLE postroom_app NOBYPASSRLS")


async def test_a_user_without_rights_is_told_what_to_ask_for(
    empty_database: str, stranger: str
) -> None:
    name = urlsplit(stranger).username
    await migrate(empty_database)  # the role is there now
    sql(empty_database, "DROP SCHEMA postroom CASCADE")

    with pytest.raises(MigrationError, match="GRANT postroom_app TO"):
        await migrate(stranger)

    sql(empty_database, f"GRANT postroom_app TO {name}")
    with pytest.raises(MigrationError, match="GRANT CREATE ON DATABASE"):
        await migrate(stranger)

    database = urlsplit(stranger).path[1:]
    sql(empty_database, f"GRANT CREATE ON DATABASE {database} TO {name}")
    assert await migrate(stranger) == ALL
    async with Database(stranger) as opened:
        await MigrationsHealth(opened)()


async def test_a_user_who_owns_the_tables_and_no_more_hands_over(
    empty_database: str, stranger: str
) -> None:
    name, database = urlsplit(stranger).username, urlsplit(stranger).path[1:]
    await migrate(empty_database)  # the role is there now
    sql(empty_database, "DROP SCHEMA postroom CASCADE")
    sql(empty_database, f"GRANT postroom_app TO {name}")
    sql(empty_database, f"GRANT CREATE ON DATABASE {database} TO {name}")
    await migrate(stranger)

    async with Database(stranger) as opened:
        applications = PostgresApplications(opened, FernetCipher([generate_key()]))
        handovers = PostgresHandovers(opened, POINTERS)
        records = PostgresHandoverRecords(opened, POINTERS)
        await applications.add(ORDERED)
        assert await applications.replace(ORDERED, replace(ORDERED, in_flight=1))
        async with PostgresIdempotencyLedger(opened).once(imap_mailbox(), identity()):
            now = datetime.now(UTC)
            assert await accept_one(handovers, ORDERED, new_handover("a", now, ORDERED))
        done = await answer(handovers, await claim_one(handovers, ORDERED), Done(), ORDERED)
        [record] = await records.find(HandoverFilter(tenant="acme"))
        assert await records.move(record, State.SKIPPED, "by hand")
        assert await records.discard(ORDERED) == 0
        assert await records.expired(limit=1, default=timedelta()) == 0
        assert await applications.remove(ORDERED)

    assert done.state is State.DONE


@pytest.mark.parametrize("behind", ["not migrated", "one file behind", "ahead"])
async def test_health_says_that_the_schema_is_not_this_release(
    empty_database: str, behind: str
) -> None:
    if behind != "not migrated":
        await migrate(empty_database)
    if behind == "one file behind":
        sql(empty_database, "DELETE FROM postroom.migration WHERE version = '0003'")
    if behind == "ahead":
        sql(empty_database, "INSERT INTO postroom.migration VALUES ('9000', 'abc')")
    expected = {
        "not migrated": "not applied yet: 0001_.*; run `postroom migrate`",
        "one file behind": "not applied yet: 0003_helpdesk.sql; run",
        "ahead": "upgrade Postroom",
    }

    async with Database(empty_database) as database:
        health = MigrationsHealth(database)
        with pytest.raises(Unavailable, match=expected[behind]):
            await health()

    assert health.name == "migrations"


async def test_health_is_silent_when_all_is_well(empty_database: str) -> None:
    await migrate(empty_database)

    async with Database(empty_database) as database:
        for health in (PostgresHealth(database), MigrationsHealth(database)):
            await health()
