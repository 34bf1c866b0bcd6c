"""What becomes of a ledger block on PostgreSQL when things break."""

import asyncio
import os
import signal
import sys
from contextvars import Context
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from postroom.adapters.postgres.connection import Timeouts
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.domain.failure import Unavailable
from tests.contracts.samples import comment, identity, imap_mailbox, outcome
from tests.providers import POINTERS

MAILBOX = imap_mailbox()

# Files the message of `identity()` and then hangs in the block.
WORKER = """
import asyncio, sys
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from tests.contracts.samples import comment, identity, imap_mailbox, outcome
from tests.providers import POINTERS

async def main():
    async with Database(sys.argv[1]) as database:
        async with PostgresIdempotencyLedger(database).once(imap_mailbox(), identity()):
            helpdesk = PostgresHelpdesk(database)
            await helpdesk.conversations(imap_mailbox(), ["a@x"])
            await helpdesk.open_ticket(imap_mailbox(), comment("a@x"))
            await PostgresOutcomes(database, POINTERS).record(outcome())
            print("filed", flush=True)
            await asyncio.Event().wait()

asyncio.run(main())
"""


async def file(database: Database) -> bool:
    """File the message like any worker; whether it was new."""
    async with PostgresIdempotencyLedger(database).once(MAILBOX, identity()) as is_new:
        if is_new:
            helpdesk = PostgresHelpdesk(database)
            assert await helpdesk.conversations(MAILBOX, ["a@x"]) == []
            await helpdesk.open_ticket(MAILBOX, comment("a@x"))
            await PostgresOutcomes(database, POINTERS).record(outcome())
        return is_new


async def break_connections(conninfo: str) -> None:
    async with await psycopg.AsyncConnection.connect(
        make_conninfo(conninfo, application_name="test"), autocommit=True
    ) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'postroom' AND datname = current_database()"
        )


async def test_a_worker_that_is_killed_in_a_block_leaves_nothing(
    conninfo: str, database: Database
) -> None:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, conninfo, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout
    assert await worker.stdout.readline() == b"filed\n"
    second = asyncio.create_task(file(database))
    done, _ = await asyncio.wait([second], timeout=0.3)
    assert not done
    assert await PostgresOutcomes(database, POINTERS).find("acme") == []

    os.kill(worker.pid, signal.SIGKILL)
    await worker.wait()

    assert await asyncio.wait_for(second, timeout=30)
    (summary,) = await PostgresHelpdesk(database).summaries("acme")
    assert (summary.number, summary.comments) == (1, 1)
    assert await PostgresOutcomes(database, POINTERS).find("acme") == [outcome()]


async def test_a_block_that_loses_its_connection_fails(conninfo: str, database: Database) -> None:
    async def lose_connection() -> None:
        async with PostgresIdempotencyLedger(database).once(MAILBOX, identity()):
            await break_connections(conninfo)

    with pytest.raises(Unavailable):
        await lose_connection()

    assert await file(database)


async def test_a_block_that_passes_over_a_lost_connection_fails_all_the_same(
    conninfo: str, database: Database
) -> None:
    """psycopg would leave out the COMMIT, and say nothing."""

    async def pass_over() -> None:
        async with PostgresIdempotencyLedger(database).once(MAILBOX, identity()):
            await break_connections(conninfo)
            with pytest.raises(Unavailable):
                await PostgresOutcomes(database, POINTERS).record(outcome())

    with pytest.raises(Unavailable, match="before it could be committed"):
        await pass_over()

    assert await file(database)


async def test_a_block_that_passes_over_a_failed_statement_fails_all_the_same(
    database: Database,
) -> None:
    """PostgreSQL would turn the COMMIT into a ROLLBACK, and say nothing."""

    async def pass_over() -> None:
        async with PostgresIdempotencyLedger(database).once(MAILBOX, identity()):
            ticket = await PostgresHelpdesk(database).open_ticket(MAILBOX, comment("a@x"))
            with pytest.raises(Unavailable):
                await PostgresHelpdesk(database).add_comment(ticket, comment("a@x"))

    with pytest.raises(Unavailable, match="before it could be committed"):
        await pass_over()

    assert await PostgresHelpdesk(database).summaries("acme") == []


async def test_a_second_block_does_not_wait_for_ever(conninfo: str, database: Database) -> None:
    impatient = Timeouts(lock=timedelta(milliseconds=100))
    async with (
        Database(conninfo, timeouts=impatient) as other,
        PostgresIdempotencyLedger(database).once(MAILBOX, identity()),
    ):
        with pytest.raises(Unavailable, match="waited too long for another transaction"):
            await asyncio.create_task(file(other), context=Context())


async def test_a_block_that_hangs_is_ended_by_the_server(conninfo: str) -> None:
    impatient = Timeouts(idle=timedelta(milliseconds=100))

    async def hang(database: Database) -> None:
        async with PostgresIdempotencyLedger(database).once(MAILBOX, identity()):
            await ended(conninfo)

    async with Database(conninfo, timeouts=impatient) as database:
        with pytest.raises(Unavailable):
            await hang(database)


async def ended(conninfo: str) -> None:
    """Wait until the server has no transaction open in the database but ours."""
    async with await psycopg.AsyncConnection.connect(
        make_conninfo(conninfo, application_name="test"), autocommit=True
    ) as connection:
        async with asyncio.timeout(10):
            while True:
                rows = await connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL"
                    " AND pid <> pg_backend_pid() AND datname = current_database()"
                )
                if await rows.fetchone() == (0,):
                    return
                await asyncio.sleep(0.02)
