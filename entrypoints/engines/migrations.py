"""The schema of the database that the settings name: what it lacks, and giving it that."""

import asyncio
from collections.abc import Sequence

from postroom.adapters.postgres.connection import InvalidDatabaseUrl
from postroom.adapters.postgres.errors import MigrationError
from postroom.adapters.postgres.migrations import migrate, pending
from postroom.entrypoints.settings import NotReady, Settings


def apply_migrations(settings: Settings) -> Sequence[str]:
    """Migrate the database and return the names of what was applied. Raises NotReady."""
    try:
        return asyncio.run(migrate(settings.database_url))
    except (MigrationError, InvalidDatabaseUrl) as error:
        raise NotReady(str(error)) from error


def missing_migrations(settings: Settings) -> Sequence[str]:
    """The names of those that this release needs. Raises NotReady."""
    try:
        return asyncio.run(pending(settings.database_url))
    except (MigrationError, InvalidDatabaseUrl) as error:
        raise NotReady(str(error)) from error
