"""Handovers in PostgreSQL: claims beside a person who moves one, and what is stored."""

import asyncio
import zlib

import psycopg
import pytest

from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.handovers import PostgresHandovers
from postroom.domain.handover.answer import Skipped
from postroom.domain.handover.application import Application
from tests.contracts.handing_over import CRM, ORDERED, accept, answer, claim_one, keys
from tests.providers import POINTERS

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def handovers(database: Database) -> PostgresHandovers:
    return PostgresHandovers(database, POINTERS)


async def somebody_waits(conninfo: str) -> None:
    """Return when a transaction waits for another."""
    async with (
        asyncio.timeout(10),
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection,
    ):
        while await (await connection.execute(WAITING)).fetchone() == (0,):
            pass


@pytest.mark.parametrize("application", [CRM, ORDERED], ids=lambda each: each.name)
async def test_what_a_person_moves_while_it_is_claimed_is_not_called_with(
    conninfo: str, handovers: PostgresHandovers, application: Application
) -> None:
    await accept(handovers, "a", application=application)
    await accept(handovers, "b", application=application, mailbox="sales")
    async with await psycopg.AsyncConnection.connect(conninfo) as person:
        await person.execute("UPDATE postroom.handover SET state = 'skipped' WHERE key = 'a'")
        claim = asyncio.create_task(handovers.claim(application, 10))
        await somebody_waits(conninfo)
        await person.commit()

    assert keys(await claim) == ["b"]


async def test_a_body_is_stored_compressed_with_the_job_as_outcomes_have_it(
    conninfo: str, handovers: PostgresHandovers
) -> None:
    [new] = await accept(handovers, "a")

    with psycopg.connect(conninfo) as connection:
        [(body, size, job)] = connection.execute(
            "SELECT body, body_size, job FROM postroom.handover"
        ).fetchall()

    assert (zlib.decompress(body), size) == (new.body, len(new.body))
    assert (job["id"], job["pointer"]["folder"]) == ("job of a", "INBOX")


async def test_what_an_application_says_can_be_read_in_sql(
    conninfo: str, handovers: PostgresHandovers
) -> None:
    await accept(handovers, "a")
    await answer(handovers, await claim_one(handovers), Skipped(reason="\x00 and \ud800"))

    with psycopg.connect(conninfo) as connection:
        [(reason, detail)] = connection.execute(
            "SELECT reason, detail ->> 'reason' FROM postroom.handover, postroom.outcome"
        ).fetchall()

    assert (reason, detail) == ("\ufffd and \ufffd", reason)
