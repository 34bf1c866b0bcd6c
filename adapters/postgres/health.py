"""Whether the database is there, and of this release."""

from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.errors import MigrationError
from postroom.adapters.postgres.migrations import applied, outstanding, read_migrations
from postroom.application.ports import HealthCheck
from postroom.domain.failure import StoreUnavailable


class PostgresHealth(HealthCheck):
    name = "postgres"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self) -> None:
        async with self._database.across_tenants() as connection:
            rows = await connection.execute("SELECT pg_is_in_recovery()")
            if await rows.fetchone() != (False,):
                raise StoreUnavailable(
                    "the database is a standby: let POSTROOM_DATABASE_URL name the primary"
                )


class MigrationsHealth(HealthCheck):
    name = "migrations"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._migrations = read_migrations()

    async def __call__(self) -> None:
        async with self._database.across_tenants() as connection:
            known = await applied(connection)
        try:
            todo = outstanding(self._migrations, known)
        except MigrationError as error:
            raise StoreUnavailable(str(error)) from error
        if todo:
            names = ", ".join(migration.name for migration in todo)
            raise StoreUnavailable(f"not applied yet: {names}; run `postroom migrate`")
