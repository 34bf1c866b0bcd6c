"""Outcomes whose jobs other releases have stored."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.domain.outcome import Accepted, Dead, Duplicate
from postroom.domain.pointer import InvalidPointer, Pointer, UnknownPointer, job_id
from tests.contracts.samples import outcome
from tests.providers import POINTERS

JOB = {
    "id": "job-1",
    "tenant": "acme",
    "mailbox": "support",
    "enqueued_at": "2030-01-01T12:00:00Z",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


@pytest.fixture
async def outcomes(database: Database) -> PostgresOutcomes:
    """With the outcome of one job."""
    outcomes = PostgresOutcomes(database, POINTERS)
    await outcomes.record(outcome())
    return outcomes


async def test_who_subscribes_is_looked_up_in_the_statement_that_stores_an_outcome(
    outcomes: PostgresOutcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation without subscribers sends none for them."""
    statements: list[str] = []
    execute = Connection.execute

    async def counted(self: Connection, query: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        statements.append(query)
        return await execute(self, query, *args, **options)

    monkeypatch.setattr(Connection, "execute", counted)

    await outcomes.record(outcome(ended=Duplicate()))
    of_no_event = len(statements)
    await outcomes.record(outcome(ended=Accepted("crm")))

    assert "subscriber" in statements[-1]
    assert len(statements) == 2 * of_no_event


def store(conninfo: str, job: Mapping[str, Any]) -> None:
    """Let that be what is stored of the job."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("UPDATE postroom.outcome SET job = %s", [Json(job)])


def stored(conninfo: str) -> Any:  # noqa: ANN401 - it is JSON
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT job FROM postroom.outcome").fetchone()
    assert row
    return row[0]


@pytest.mark.usefixtures("outcomes")
async def test_a_job_is_stored_as_the_next_release_must_be_able_to_read_it(conninfo: str) -> None:
    assert stored(conninfo) == {
        **JOB,
        "pointer": {
            "provider": "imap",
            "folder": "INBOX",
            "uid": 1,
            "uid_validity": 1,
            "message_id": "",
        },
        "enqueued_at": "2030-01-01T12:00:00+00:00",
        "backfilled": False,
    }


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        (
            {"subscription_id": "s", "message_id": "m", "resource": "r", "provider": "microsoft"},
            MicrosoftPointer("s", "m", "r"),
        ),
        (
            {
                "history_id": 7,
                "address": "info@acme.example",
                "pubsub_message_id": "p",
                "message_ids": ["m1", "m2"],
                "provider": "google",
            },
            GooglePointer(7, "info@acme.example", "p", ("m1", "m2")),
        ),
        (
            {
                "folder": "INBOX",
                "uid": 7,
                "uid_validity": 1,
                "message_id": "",
                "provider": "imap",
            },
            ImapPointer("INBOX", 7, 1),
        ),
    ],
    ids=["microsoft", "google", "imap"],
)
async def test_a_job_of_an_earlier_release_is_read(
    conninfo: str, outcomes: PostgresOutcomes, fields: Mapping[str, Any], pointer: Pointer
) -> None:
    store(conninfo, {**JOB, "pointer": fields})

    assert await outcomes.find("acme") == [outcome(pointer=pointer)]


@pytest.mark.parametrize(
    "pointer",
    [
        UnknownPointer("jmap", {"email_id": "M1", "mailboxes": ["a"]}),
        UnknownPointer("imap", {"folder": "INBOX", "uid": 7, "uid_validity": 1, "size": 3}),
        UnknownPointer("imap", {"folder": "INBOX", "uid": 0, "uid_validity": 1}),
        UnknownPointer("imap", {"email_id": "M1"}),
    ],
    ids=["unknown provider", "too many fields", "out of bounds", "other fields"],
)
async def test_a_pointer_that_this_release_lacks_is_shown_and_hides_no_other(
    conninfo: str, outcomes: PostgresOutcomes, pointer: UnknownPointer
) -> None:
    fields = {"provider": pointer.provider, **pointer.values}
    store(conninfo, {**JOB, "pointer": fields, "backfilled": True})
    later = outcome("job-2", minutes=1)
    await outcomes.record(later)

    unread = outcome()
    unread = replace(unread, job=replace(unread.job, pointer=pointer, backfilled=True))
    assert await outcomes.find("acme") == [later, unread]
    assert await outcomes.known("acme", ["job-1"]) == {"job-1"}


async def test_a_job_of_which_nothing_could_be_read_has_its_outcome_all_the_same(
    outcomes: PostgresOutcomes,
) -> None:
    dead = replace(outcome(pointer=UnknownPointer("", {})), outcome=Dead("unreadable record"))

    await outcomes.record(dead)

    assert await outcomes.find("acme") == [dead, outcome()]


def test_no_job_is_made_of_a_pointer_that_this_release_lacks() -> None:
    with pytest.raises(InvalidPointer, match="this release of Postroom has no such pointer"):
        job_id("acme", "support", UnknownPointer("jmap", {"email_id": "M1"}))
