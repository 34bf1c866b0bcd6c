"""A migrated database on each PostgreSQL, with no rows in it."""

from collections.abc import AsyncIterator

import pytest

from adapters.postgres.database import Database
from tests.databases import empty, new_database


@pytest.fixture(scope="module")
def migrated(database_url: str) -> str:
    return new_database(database_url)


@pytest.fixture
def conninfo(migrated: str) -> str:
    empty(migrated)
    return migrated


@pytest.fixture
async def database(conninfo: str) -> AsyncIterator[Database]:
    async with Database(conninfo) as database:
        yield database
