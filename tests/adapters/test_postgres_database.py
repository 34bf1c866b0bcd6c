"""How connections are kept, tenants kept apart, and failures named."""

import asyncio
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool.base import AttemptWithBackoff

from postroom.adapters.embedded import EmbeddedPostgres
from postroom.adapters.postgres.connection import InvalidDatabaseUrl, Timeouts
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.errors import failure_of
from postroom.adapters.postgres.health import PostgresHealth
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.domain.failure import Unavailable
from tests.contracts.samples import comment, document, identity, imap_mailbox, outcome
from tests.providers import POINTERS

TENANT_TABLES = ("outcome", "handled_message", "ticket", "comment", "document", "thread_id")


@pytest.fixture
async def filed(database: Database) -> None:
    """A row of the tenant `acme` in every table of TENANT_TABLES."""
    async with PostgresIdempotencyLedger(database).once(imap_mailbox(), identity()):
        opening = comment("a@x", documents=(document("a.pdf"),))
        await PostgresHelpdesk(database).open_ticket(imap_mailbox(), opening)
        await PostgresOutcomes(database, POINTERS).record(outcome())


async def count(database: Database, tenant: str, table: str) -> int:
    async with database.transaction(tenant) as connection:
        rows = await connection.execute(f"SELECT count(*) FROM {table}".encode())
        row = await rows.fetchone()
    assert row
    return int(row[0])


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_a_query_that_forgets_the_tenant_finds_that_tenants_rows_only(
    database: Database, table: str
) -> None:
    assert await count(database, "acme", table) == 1
    assert await count(database, "globex", table) == 0
    assert await count(database, "", table) == 0


@pytest.mark.usefixtures("filed")
async def test_a_row_cannot_be_written_for_another_tenant(database: Database) -> None:
    async with database.transaction("globex") as connection:
        await connection.execute("UPDATE ticket SET mailbox = 'stolen'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO ticket_counter (tenant, last) VALUES ('acme', 100)"
                )

    ticket = await PostgresHelpdesk(database).ticket("acme", 1)
    assert ticket
    assert ticket.mailbox == "support"


@pytest.mark.parametrize(
    "forbidden",
    [
        "DELETE FROM outcome",
        "UPDATE handled_message SET source = ''",
        "SELECT FROM migration",
        "ALTER TABLE outcome DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE own ()",
    ],
)
async def test_the_application_may_do_no_more_than_it_does(
    database: Database, forbidden: str
) -> None:
    with pytest.raises(Unavailable, match="lacks a privilege"):
        async with database.transaction("acme") as connection:
            await connection.execute(forbidden.encode())


@pytest.mark.usefixtures("filed")
async def test_a_connection_carries_no_tenant_over(conninfo: str) -> None:
    async with Database(conninfo, max_size=1) as database:
        assert await count(database, "acme", "outcome") == 1
        async with database.across_tenants() as connection:
            rows = await connection.execute(
                "SELECT current_user = session_user, current_setting('postroom.tenant', true)"
            )
            assert await rows.fetchone() == (True, "")


@pytest.mark.usefixtures("filed")
async def test_a_look_up_across_tenants_fails_rather_than_find_too_little(
    conninfo: str, database: Database
) -> None:
    async with database.across_tenants() as connection:
        await connection.execute(
            "DO $$ BEGIN CREATE ROLE postroom_reader LOGIN; EXCEPTION WHEN OTHERS THEN END $$"
        )
        await connection.execute("GRANT postroom_app TO postroom_reader")

    async with Database(make_conninfo(conninfo, user="postroom_reader")) as reader:
        assert await count(reader, "acme", "outcome") == 1
        with pytest.raises(Unavailable, match="lacks a privilege"):
            async with reader.across_tenants() as connection:
                await connection.execute("SELECT FROM outcome")


async def test_a_statement_has_its_time(conninfo: str) -> None:
    hasty = Timeouts(statement=timedelta(milliseconds=50))
    async with Database(conninfo, timeouts=hasty) as database:
        with pytest.raises(Unavailable, match="a statement took too long"):
            async with database.transaction("acme") as connection:
                await connection.execute("SELECT pg_sleep(10)")


async def test_waiting_for_a_connection_has_its_time(conninfo: str) -> None:
    hasty = Timeouts(pool=timedelta(milliseconds=50))
    async with (
        Database(conninfo, max_size=1, timeouts=hasty) as database,
        database.transaction("acme"),
    ):
        with pytest.raises(Unavailable, match="no database connection in time"):
            async with database.transaction("acme"):
                pass


async def test_connections_that_broke_are_replaced_unnoticed(
    conninfo: str, database: Database
) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(5):
            group.create_task(PostgresOutcomes(database, POINTERS).record(outcome(f"{n}")))
    with psycopg.connect(conninfo, application_name="test", autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'postroom' AND datname = current_database()"
        )

    assert len(await PostgresOutcomes(database, POINTERS).find("acme")) == 5


async def test_a_database_that_is_away_is_unavailable_and_no_obstacle_to_starting() -> None:
    nowhere = "postgresql://user:hunter2@127.0.0.1:1/postroom"
    hasty = Timeouts(pool=timedelta(milliseconds=100))
    async with Database(nowhere, timeouts=hasty) as database:
        health = PostgresHealth(database)
        with pytest.raises(Unavailable, match="no database connection in time") as caught:
            await health()

    assert health.name == "postgres"
    assert "hunter2" not in caught.value.reason


async def test_a_database_that_comes_back_is_reached_by_whoever_comes_first(
    engine_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AttemptWithBackoff, "INITIAL_DELAY", 60.0)
    server = EmbeddedPostgres(engine_home / "comes-back")
    hasty = Timeouts(pool=timedelta(seconds=1))
    async with Database(server.url, timeouts=hasty) as database:
        health = PostgresHealth(database)
        with pytest.raises(Unavailable, match="no database connection in time"):
            await health()

        await asyncio.to_thread(server.start)
        try:
            await health()
        finally:
            await asyncio.to_thread(server.stop)


async def test_a_database_that_was_never_migrated_is_named(empty_database: str) -> None:
    async with Database(empty_database) as database:
        with pytest.raises(Unavailable, match="run `postroom migrate`"):
            await PostgresOutcomes(database, POINTERS).find("acme")


async def test_a_reason_holds_no_value(database: Database) -> None:
    await PostgresHelpdesk(database).open_ticket(imap_mailbox(), comment("hunter2@x"))

    with pytest.raises(Unavailable) as caught:
        await PostgresHelpdesk(database).open_ticket(imap_mailbox(), comment("hunter2@x"))

    assert caught.value.reason == "the database answered 23505"


def test_an_error_of_the_driver_itself_is_named_by_its_kind() -> None:
    assert failure_of(psycopg.OperationalError("to 10.0.0.1")).reason == (
        "the connection to the database is lost"
    )
    assert failure_of(psycopg.ProgrammingError("near hunter2")).reason == (
        "the database driver failed: ProgrammingError"
    )


def test_a_wrong_url_is_refused_at_once() -> None:
    with pytest.raises(InvalidDatabaseUrl):
        Database("redis://localhost")


async def test_what_cannot_be_stored_is_replaced(database: Database) -> None:
    helpdesk = PostgresHelpdesk(database)
    opening = comment("nul\x00@x", "half\ud800@x", documents=(document("a\x00.pdf"),))

    await helpdesk.open_ticket(imap_mailbox(), opening)

    ticket = await helpdesk.ticket("acme", 1)
    assert ticket
    assert ticket.opening.message_ids == ("nul\ufffd@x", "half\ufffd@x")
    assert ticket.opening.documents[0].filename == "a\ufffd.pdf"
    async with PostgresIdempotencyLedger(database).once(imap_mailbox(), identity()):
        assert await helpdesk.conversations(imap_mailbox(), ["half\ud800@x"]) == [ticket]


async def test_ids_of_any_length_tie_a_conversation(database: Database) -> None:
    helpdesk = PostgresHelpdesk(database)
    long = "".join(map(chr, range(0x4E00, 0x5E00)))
    ticket = await helpdesk.open_ticket(imap_mailbox(), comment("a@x", long, f"{long}2"))

    async with PostgresIdempotencyLedger(database).once(imap_mailbox(), identity()):
        assert await helpdesk.conversations(imap_mailbox(), [f"{long}2"]) == [ticket]
        assert await helpdesk.conversations(imap_mailbox(), [f"{long}3"]) == []
