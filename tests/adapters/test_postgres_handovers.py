"""Handovers in PostgreSQL: claims beside a person who moves one, and what is stored."""

import asyncio
import json
import zlib

import psycopg
import pytest

from postroom.adapters.crypto import BodySeal, generate_key
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.handover_bodies import DAMAGED, Bodies
from postroom.adapters.postgres.handover_records import PostgresHandoverRecords
from postroom.adapters.postgres.handovers import PostgresHandovers
from postroom.application.ports import HandoverFilter
from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.answer import Skipped
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import State
from tests.contracts.handing_over import CRM, ORDERED, accept, answer, body_of, claim_one, keys
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


# --- Bodies

OLD, NEW = generate_key(), generate_key()


def sealed(*keys: str, encrypts: bool = True) -> Bodies:
    return Bodies(BodySeal(keys, encrypts=encrypts))


def over(database: Database, bodies: Bodies) -> PostgresHandovers:
    return PostgresHandovers(database, POINTERS, bodies)


async def stored_body(conninfo: str, key: str) -> bytes:
    with psycopg.connect(conninfo) as connection:
        query = "SELECT body FROM postroom.handover WHERE key = %s"
        [(body,)] = connection.execute(query, [key]).fetchall()
    return bytes(body)


async def test_an_encrypted_body_is_not_to_be_read_in_the_database(
    conninfo: str, database: Database
) -> None:
    handovers = over(database, sealed(NEW))
    [new] = await accept(handovers, "a")

    stored = await stored_body(conninfo, "a")

    assert zlib.compress(new.body, 1) not in stored
    with pytest.raises(zlib.error):
        zlib.decompress(stored)
    assert (await claim_one(handovers)).body == new.body


async def test_bodies_are_read_whatever_the_setting_and_the_newest_key_were(
    database: Database,
) -> None:
    for key, bodies in {"a": Bodies(), "b": sealed(OLD), "c": sealed(NEW)}.items():
        await accept(over(database, bodies), key)

    claimed = await over(database, sealed(NEW, OLD, encrypts=False)).claim(CRM, 10)

    assert {call.body for call in claimed.calls} == {
        json.dumps(body_of(key)).encode() for key in "abc"
    }


async def test_a_body_in_the_row_of_another_does_not_open(
    conninfo: str, database: Database
) -> None:
    handovers = over(database, sealed(NEW))
    await accept(handovers, "a", "b")
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "UPDATE postroom.handover SET body = ("
            "SELECT body FROM postroom.handover WHERE key = 'b') WHERE key = 'a'"
        )

    claimed = await handovers.claim(CRM, 10)

    assert keys(claimed) == ["b"]


async def test_what_cannot_be_read_is_held_and_the_others_are_called_with(
    conninfo: str, database: Database
) -> None:
    await accept(over(database, sealed(OLD)), "gone")
    await accept(over(database, sealed(NEW)), "torn", "good")
    with psycopg.connect(conninfo) as connection:
        connection.execute("UPDATE postroom.handover SET body = 'torn' WHERE key = 'torn'")

    claimed = await over(database, sealed(NEW)).claim(CRM, 10)

    assert keys(claimed) == ["good"]
    assert {each.key: each.state for each in claimed.others} == {
        "gone": State.HELD,
        "torn": State.HELD,
    }
    reasons = {each.key: each.reason for each in claimed.others}
    assert "keep the old key in POSTROOM_SECRET_KEYS" in reasons["gone"]
    assert reasons["torn"] == DAMAGED
    assert (await over(database, sealed(NEW)).claim(CRM, 10)).calls == []


async def test_what_was_held_is_called_with_when_its_key_is_back(database: Database) -> None:
    [new] = await accept(over(database, sealed(OLD)), "a")
    await over(database, sealed(NEW)).claim(CRM, 10)
    bodies = sealed(NEW, OLD)
    records = PostgresHandoverRecords(database, POINTERS, bodies)
    [record] = await records.find(HandoverFilter())

    assert await records.move(record, State.WAITING, "redriven")

    assert (await claim_one(over(database, bodies))).body == new.body


async def test_a_body_that_cannot_be_read_is_not_shown_either(database: Database) -> None:
    await accept(over(database, sealed(OLD)), "a")
    records = PostgresHandoverRecords(database, POINTERS, sealed(NEW))
    [record] = await records.find(HandoverFilter())

    with pytest.raises(StoreUnavailable, match="POSTROOM_SECRET_KEYS"):
        await records.body(record)
