"""A database of the release before is brought up to date, and then that release leaves it alone."""

import psycopg
import pytest

from postroom.adapters.postgres.errors import MigrationError
from postroom.adapters.postgres.migrations import (
    applied,
    migrate,
    outstanding,
    pending,
    read_migrations,
)

THEIRS = read_migrations()[:5]
"""Those that the release before has."""


async def test_what_came_after_that_release_is_applied_and_nothing_else(left_behind: str) -> None:
    later = [migration.name for migration in read_migrations() if migration not in THEIRS]

    assert await migrate(left_behind) == later
    assert await pending(left_behind) == []


async def test_that_release_refuses_to_start_on_it(left_behind: str) -> None:
    await migrate(left_behind)

    async with await psycopg.AsyncConnection.connect(
        left_behind, options="-c search_path=postroom"
    ) as connection:
        with pytest.raises(MigrationError, match="the database is newer than this release"):
            outstanding(THEIRS, await applied(connection))
