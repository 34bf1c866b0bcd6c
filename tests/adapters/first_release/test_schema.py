"""A database of the release before is brought up to date, and then that release leaves it alone."""

import re

import pytest

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.errors import MigrationError
from postroom.adapters.postgres.migrations import (
    applied,
    migrate,
    outstanding,
    pending,
    read_migrations,
)

OURS = read_migrations()


async def test_what_came_after_that_release_is_applied_and_nothing_else(left_behind: str) -> None:
    later = [migration.name for migration in OURS[5:]]

    assert await migrate(left_behind) == later
    assert await pending(left_behind) == []


@pytest.mark.parametrize("theirs", [5, 6], ids=["first release", "one before this"])
async def test_an_earlier_release_refuses_to_start_on_it(left_behind: str, theirs: int) -> None:
    await migrate(left_behind)
    versions = ", ".join(migration.version for migration in OURS[theirs:])
    line = f"the database is newer than this release (it has {versions}): upgrade Postroom"

    async with await Connection.connect(
        left_behind, options="-c search_path=postroom"
    ) as connection:
        with pytest.raises(MigrationError, match=f"^{re.escape(line)}$"):
            outstanding(OURS[:theirs], await applied(connection))
