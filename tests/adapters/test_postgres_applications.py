"""How applications are stored in PostgreSQL: what is secret of them, and who may do what."""

from dataclasses import replace

import psycopg
import pytest

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.postgres.applications import PostgresApplications
from postroom.adapters.postgres.database import Database
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.handover.application import Application
from tests.contracts.handing_over import CRM, OWN

OLD, NEW = generate_key(), generate_key()

SECRET = replace(
    OWN,
    destination="https://crm.example/hidden-path?token=hidden-token",
    secrets=("whsec_hidden",),
)


def opened(database: Database, *keys: str) -> PostgresApplications:
    return PostgresApplications(database, FernetCipher(keys))


@pytest.fixture
async def applications(database: Database) -> PostgresApplications:
    """CRM and SECRET, encrypted with OLD."""
    applications = opened(database, OLD)
    for application in (CRM, SECRET):
        await applications.add(application)
    return applications


@pytest.mark.usefixtures("applications")
async def test_nothing_secret_is_in_the_database_in_clear(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        stored = connection.execute(
            "SELECT application::text, encode(secrets, 'escape') FROM postroom.application"
        ).fetchall()

    assert "retention" in str(stored)
    assert not [word for word in ("hidden", "whsec", "example") if word in str(stored)]


async def test_a_key_can_be_rotated_and_another_is_refused(
    database: Database, applications: PostgresApplications
) -> None:
    other, both = opened(database, NEW), opened(database, NEW, OLD)

    for read in (other.get("acme", "own"), other.owned("acme", "own"), other.all()):
        with pytest.raises(AccessFailed, match="keep the old key in POSTROOM_SECRET_KEYS"):
            await read

    assert await both.replace(SECRET, OWN)
    assert await other.get("acme", "own") == OWN


@pytest.mark.usefixtures("applications")
async def test_secrets_that_were_moved_to_another_row_are_refused(
    conninfo: str, database: Database
) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "UPDATE postroom.application SET secrets ="
            " (SELECT secrets FROM postroom.application WHERE tenant = 'acme') WHERE tenant = ''"
        )

    with pytest.raises(AccessFailed, match="cannot be decrypted"):
        await opened(database, OLD).get("globex", "crm")


@pytest.mark.usefixtures("applications")
async def test_what_another_release_has_stored_is_refused(
    conninfo: str, database: Database
) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            """UPDATE postroom.application SET settings = settings || '{"colour": "red"}'"""
        )

    with pytest.raises(AccessFailed, match="not of this release"):
        await opened(database, OLD).get("acme", "own")


@pytest.mark.usefixtures("applications")
@pytest.mark.parametrize(
    ("tenant", "seen"), [("acme", ["crm", "own"]), ("globex", ["crm"]), ("", ["crm"])]
)
async def test_a_tenant_sees_its_own_and_those_of_the_installation(
    database: Database, tenant: str, seen: list[str]
) -> None:
    async with database.transaction(tenant) as connection:
        rows = await connection.execute("SELECT name FROM application ORDER BY name")
        assert [name for (name,) in await rows.fetchall()] == seen


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE application SET settings = '{}'",
        "DELETE FROM application",
        "DELETE FROM application_health",
    ],
)
async def test_a_tenant_changes_nothing_of_the_installation(
    database: Database, applications: PostgresApplications, statement: str
) -> None:
    async with database.transaction("globex") as connection:
        assert (await connection.execute(statement.encode())).rowcount == 0

    assert await applications.all() == [CRM, SECRET]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO application VALUES ('acme', 'x', '{}', '', now())",
        "INSERT INTO application_health VALUES ('acme', 'x', '{}')",
        "UPDATE application SET tenant = 'acme'",
        "UPDATE application_health SET health = '{}'",
        "DELETE FROM handover",
        "UPDATE handover SET body = ''",
    ],
)
async def test_a_tenants_transaction_may_do_no_more_than_it_needs(
    database: Database, statement: str
) -> None:
    with pytest.raises(Unavailable, match="lacks a privilege"):
        async with database.transaction("acme") as connection:
            await connection.execute(statement.encode())


def test_no_secret_shows_itself() -> None:
    assert "hidden" not in repr(SECRET)
    assert isinstance(SECRET, Application)
