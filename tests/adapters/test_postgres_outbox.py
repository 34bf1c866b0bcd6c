"""Events that other releases have stored."""

from dataclasses import replace

import psycopg

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.postgres.applications import PostgresApplications
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


async def test_an_event_of_a_later_release_holds_up_no_other(
    conninfo: str, database: Database
) -> None:
    applications = PostgresApplications(database, FernetCipher([generate_key()]))
    await applications.add(replace(CRM, name="audit", role=Role.SUBSCRIBER))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_LATER)
        await PostgresOutcomes(database, POINTERS).record(outcome(ended=Accepted("crm")))

        distributed = await PostgresOutbox(database).distribute(1)

        assert distributed == Distributed(1, {})
        assert connection.execute(_LEFT).fetchall() == [("evt_later",)]
