"""The schema of the database that the settings name: what it lacks, and giving it that."""

import asyncio
from collections.abc import Sequence

from postroom.adapters.postgres.connection import InvalidDatabaseUrl
from postroom.adapters.postgres.errors import MigrationError, Unreachable
from postroom.adapters.postgres.migrations import migrate, pending
from postroom.entrypoints.settings import InvalidSettings, NotReady, Settings

TIME_LIMIT = 15
"""Seconds that a database may take to say what it has, and a third if it *may be away*."""


def prepare_schema(given: Settings, running: Settings, *, may_be_away: bool) -> None:
    """Migrate the database if it is embedded. Another is its operator's to migrate.

    That one *may be away*: then it is not looked at. Raises NotReady, InvalidSettings.
    """
    if not given.database_url:
        apply_migrations(running)
    elif names := missing_migrations(running, may_be_away=may_be_away):
        raise NotReady(
            f"the database lacks {len(names)} migrations of this release; run: postroom migrate"
        )


def apply_migrations(settings: Settings) -> Sequence[str]:
    """Migrate the database and return the names of what was applied.

    Raises NotReady, InvalidSettings.
    """
    try:
        return asyncio.run(migrate(settings.database_url))
    except MigrationError as error:
        raise NotReady(str(error)) from error
    except InvalidDatabaseUrl as error:
        raise InvalidSettings(str(error)) from error


def missing_migrations(settings: Settings, *, may_be_away: bool = False) -> Sequence[str]:
    """The names of those that this release needs; none if it is away, and may be.

    Raises NotReady, InvalidSettings.
    """
    limit = TIME_LIMIT / 3 if may_be_away else TIME_LIMIT
    try:
        return asyncio.run(asyncio.wait_for(pending(settings.database_url), limit))
    except (Unreachable, TimeoutError) as error:
        if may_be_away:
            return []
        raise NotReady(str(error) or f"connecting: no answer in {limit} seconds") from error
    except MigrationError as error:
        raise NotReady(str(error)) from error
    except InvalidDatabaseUrl as error:
        raise InvalidSettings(str(error)) from error
