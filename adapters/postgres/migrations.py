"""The schema, as numbered SQL files: applied in order, each in a transaction, and never changed.

Several processes may start at once: one of them applies, under a lock that ends with its session,
and the others wait and then find nothing to do.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from postroom.adapters.postgres.connection import SCHEMA, Connection, check_conninfo
from postroom.adapters.postgres.errors import MigrationError, Unreachable, migration_translated
from postroom.adapters.postgres.role import ensure_role, ensure_schema

FOLDER = Path(__file__).with_name("migrations")

_CONNECT_TIMEOUT = 10  # seconds
_PATIENCE = timedelta(days=1)
"""A statement may have to rewrite a table of any size, while somebody looks on."""
_LOCK = 0x706F7374726F6F6D  # "postroom" in ASCII: nobody else's lock

_CREATE_HISTORY = """
CREATE TABLE IF NOT EXISTS migration (
    version     text        PRIMARY KEY,
    sha256      text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """*name* is the file's name, and its first four digits are the *version*."""

    name: str
    statements: str

    @property
    def version(self) -> str:
        return self.name[:4]

    @property
    def sha256(self) -> str:
        return sha256(self.statements.encode()).hexdigest()


def read_migrations(folder: Path = FOLDER) -> Sequence[Migration]:
    """The files `0001_….sql` and so on, in order."""
    return [
        Migration(path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.sql"))
        if re.match(r"\d{4}_", path.name)
    ]


async def migrate(conninfo: str, folder: Path = FOLDER) -> Sequence[str]:
    """Bring the schema up to date; return the names of what was applied. Raises MigrationError."""
    async with _session(conninfo) as connection:
        with migration_translated("waiting for another process that migrates"):
            await connection.execute("SET lock_timeout = '5min'")
            await connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        with migration_translated("preparing the database"):
            await _require_utf8(connection)
            await ensure_role(connection)
            await ensure_schema(connection)
            await connection.execute(_CREATE_HISTORY)
        todo = outstanding(read_migrations(folder), await applied(connection))
        for migration in todo:
            await _apply(connection, migration)
    return [migration.name for migration in todo]


async def pending(conninfo: str, folder: Path = FOLDER) -> Sequence[str]:
    """The names of what `migrate` would apply. Raises MigrationError."""
    async with _session(conninfo) as connection:
        with migration_translated("reading the schema's version"):
            return [
                migration.name
                for migration in outstanding(read_migrations(folder), await applied(connection))
            ]


def outstanding(ours: Sequence[Migration], applied: Mapping[str, str]) -> Sequence[Migration]:
    """Those of *ours* that are not *applied* (version: SHA-256).

    Raises MigrationError if what was applied is not what we have.
    """
    if newer := sorted(applied.keys() - {migration.version for migration in ours}):
        raise MigrationError(
            f"the database is newer than this release (it has {', '.join(newer)}): upgrade Postroom"
        )
    for migration in ours:
        if applied.get(migration.version, migration.sha256) != migration.sha256:
            raise MigrationError(
                f"{migration.name} was changed after it had been applied: restore the file, and"
                " put the change into a new one"
            )
    return [migration for migration in ours if migration.version not in applied]


async def applied(connection: Connection) -> Mapping[str, str]:
    """SHA-256 by version; nothing if the database was never migrated."""
    rows = await connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.migration"])
    if await rows.fetchone() == (None,):
        return {}
    rows = await connection.execute("SELECT version, sha256 FROM migration")
    return dict(await rows.fetchall())


async def _apply(connection: Connection, migration: Migration) -> None:
    with migration_translated(migration.name):
        async with connection.transaction():
            # Rather fail than make live traffic queue up behind a lock that we wait for.
            await connection.execute("SET LOCAL lock_timeout = '5s'")
            await connection.execute(migration.statements.encode())
            await connection.execute(
                "INSERT INTO migration (version, sha256) VALUES (%s, %s)",
                [migration.version, migration.sha256],
            )


async def _require_utf8(connection: Connection) -> None:
    if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
        raise MigrationError(
            f"the database is encoded in {encoding}, and mail needs UTF8:"
            " CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


@asynccontextmanager
async def _session(conninfo: str) -> AsyncIterator[Connection]:
    check_conninfo(conninfo)
    with migration_translated("connecting", Unreachable):
        connection = await Connection.connect(
            conninfo, autocommit=True, connect_timeout=_CONNECT_TIMEOUT, client_encoding="UTF8"
        )
        connection.patience = _PATIENCE
    async with connection:
        with migration_translated("connecting"):
            await connection.execute(f"SET search_path = {SCHEMA}")
        yield connection
