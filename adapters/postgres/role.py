"""The role that application queries run as, and the schema that its tables are in.

A role belongs to the cluster, not to one database: other installations may create it meanwhile.
"""

from contextlib import suppress

from psycopg.errors import DuplicateObject, InsufficientPrivilege, UniqueViolation
from psycopg.sql import SQL, Identifier

from postroom.adapters.postgres.connection import APPLICATION_ROLE, SCHEMA, Connection
from postroom.adapters.postgres.errors import MigrationError

_CREATE_ROLE = SQL("CREATE ROLE {} NOLOGIN NOINHERIT NOBYPASSRLS").format(
    Identifier(APPLICATION_ROLE)
)
_GRANT_ROLE = SQL("GRANT {} TO CURRENT_USER").format(Identifier(APPLICATION_ROLE))
_CREATE_SCHEMA = SQL("CREATE SCHEMA {}").format(Identifier(SCHEMA))

_ROLE = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s"
_SCHEMA = "SELECT to_regnamespace(%s) IS NOT NULL"

# Since PostgreSQL 16, to be a member is not yet to be allowed to SET ROLE.
_MAY_SET_ROLE = """
SELECT pg_has_role(%s, CASE WHEN current_setting('server_version_num')::int >= 160000
                            THEN 'SET' ELSE 'MEMBER' END)
"""


async def ensure_role(connection: Connection) -> None:
    """Create the role where it is missing, and let the connecting user take it on.

    Raises MigrationError if it may not, or if the role could bypass row-level security.
    """
    if await _scalar(connection, _ROLE, APPLICATION_ROLE) is None:
        try:
            with suppress(DuplicateObject, UniqueViolation):  # another process was faster
                await connection.execute(_CREATE_ROLE)
        except InsufficientPrivilege as error:
            raise MigrationError(
                f"the role {APPLICATION_ROLE} is missing, and the database user may not create it:"
                f" let an administrator run {_CREATE_ROLE.as_string()};"
                f" GRANT {APPLICATION_ROLE} TO the user of POSTROOM_DATABASE_URL"
            ) from error
    if await _scalar(connection, _ROLE, APPLICATION_ROLE):
        raise MigrationError(
            f"the role {APPLICATION_ROLE} bypasses row-level security, so tenants are not kept"
            f" apart: ALTER ROLE {APPLICATION_ROLE} NOSUPERUSER NOBYPASSRLS"
        )
    await _take_role(connection)


async def ensure_schema(connection: Connection) -> None:
    """Create the schema where it is missing. Raises MigrationError if the user may not."""
    if not await _scalar(connection, _SCHEMA, SCHEMA):
        try:
            await connection.execute(_CREATE_SCHEMA)
        except InsufficientPrivilege as error:
            raise MigrationError(
                f"the database user may not create the schema {SCHEMA}:"
                " GRANT CREATE ON DATABASE … TO the user of POSTROOM_DATABASE_URL"
            ) from error


async def _take_role(connection: Connection) -> None:
    if await _scalar(connection, _MAY_SET_ROLE, APPLICATION_ROLE):
        return
    try:
        with suppress(UniqueViolation):  # another process was faster
            await connection.execute(_GRANT_ROLE)
    except InsufficientPrivilege as error:
        raise MigrationError(
            f"the database user may not act as {APPLICATION_ROLE}: let an administrator run"
            f" GRANT {APPLICATION_ROLE} TO the user of POSTROOM_DATABASE_URL"
        ) from error


async def _scalar(connection: Connection, query: str, value: str) -> object:
    rows = await connection.execute(query, [value])
    row = await rows.fetchone()
    return row[0] if row else None
