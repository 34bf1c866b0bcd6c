"""Events that other releases have stored, and what distributing costs."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.postgres.applications import PostgresApplications
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.outbox import PostgresOutbox
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.application.ports import Distributed
from postroom.domain.handover.application import Role
from postroom.domain.outcome import Accepted
from tests.contracts.handing_over import CRM
from tests.contracts.samples import outcome
from tests.providers import POINTERS

_LATER = """
INSERT INTO postroom.event (tenant, id, type, at, data)
VALUES ('acme', 'evt_later', 'message.translated', now(), '{}')
"""
_LEFT = "SELECT id FROM postroom.event"


AUDIT = replace(CRM, name="audit", role=Role.SUBSCRIBER)


@pytest.fixture
def applications(database: Database) -> PostgresApplications:
    return PostgresApplications(database, FernetCipher([generate_key()]))


async def test_an_event_of_a_later_release_holds_up_no_other(
    conninfo: str, database: Database, applications: PostgresApplications
) -> None:
    await applications.add(AUDIT)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_LATER)
        await PostgresOutcomes(database, POINTERS).record(outcome(ended=Accepted("crm")))

        distributed = await PostgresOutbox(database).distribute(1)

        assert distributed == Distributed(1, {})
        assert connection.execute(_LEFT).fetchall() == [("evt_later",)]


async def test_only_those_that_get_more_are_looked_through_for_too_much(
    database: Database, applications: PostgresApplications, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be one subscriber for each of a thousand tenants."""
    others = [replace(AUDIT, tenant=f"tenant-{n}", name="own") for n in range(5)]
    for each in (AUDIT, *others):
        await applications.add(each)
    await PostgresOutcomes(database, POINTERS).record(outcome(ended=Accepted("crm")))
    dropped: list[str] = []
    execute = Connection.execute

    async def heard(self: Connection, query: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        if "DELETE FROM handover" in query:
            dropped.append(query)
        return await execute(self, query, *args, **options)

    monkeypatch.setattr(Connection, "execute", heard)

    await PostgresOutbox(database).distribute(10)

    assert len(dropped) == 1
