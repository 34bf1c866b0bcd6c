"""What an error of PostgreSQL means, said without the values that it is about.

* Unavailable     a transaction failed (domain/failure.py)
* MigrationError  the schema cannot be brought up to date: for the operator, who is looking on
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

import psycopg
from psycopg_pool import PoolTimeout

from postroom.domain.failure import Contended, StoreUnavailable, Unavailable

_NO_ROLE = "22023"
_MIGRATE = "run `postroom migrate` as the user that owns the tables"

# By SQLSTATE: PostgreSQL manual, appendix A.
_REASONS = {
    "08P01": "the database does not speak the protocol that was expected",
    _NO_ROLE: f"the role postroom_app is missing: {_MIGRATE}",
    "25006": "the database is read-only: let POSTROOM_DATABASE_URL name the primary",
    "25P03": "a transaction was idle for too long, and the database ended it",
    "3D000": "the database does not exist: create it, or mend POSTROOM_DATABASE_URL",
    "40001": "the database gave way to another transaction (serialization)",
    "40P01": "the database gave way to another transaction (deadlock)",
    "42501": f"the database user lacks a privilege: {_MIGRATE}",
    "42703": f"a column is missing: {_MIGRATE}",
    "42P01": f"a table is missing: {_MIGRATE}",
    "53100": "the database's disk is full",
    "53200": "the database is out of memory",
    "53300": "the database has too many connections: raise max_connections, or run fewer processes",
    "55P03": "waited too long for another transaction to end (lock_timeout)",
    "57014": "a statement took too long (statement_timeout)",
    "57P01": "the database is shutting down",
    "57P02": "the database crashed",
    "57P03": "the database is starting up",
}


class NoAnswer(psycopg.OperationalError):
    """The server is connected, and does not answer."""


_CONTENDED = {"40001", "40P01", "55P03"}

_OF_THE_STATEMENT = ("21", "22", "23", "57014")
"""Classes, and one code, that say that what was to be written, or found, was at fault."""


def failure_of(error: psycopg.Error) -> Unavailable:
    """Its reason is fit for a log: no part of a row, statement or connection string is in it."""
    reason, state = _reason_of(error), error.sqlstate or ""
    if state in _CONTENDED:
        return Contended(reason)
    if state != _NO_ROLE and state.startswith(_OF_THE_STATEMENT):
        return Unavailable(reason)
    return StoreUnavailable(reason)


def _reason_of(error: psycopg.Error) -> str:
    if isinstance(error, PoolTimeout):
        return (
            "no database connection in time: all are in use, or the database is away; see that it"
            " runs at POSTROOM_DATABASE_URL"
        )
    if isinstance(error, NoAnswer):
        return "the database does not answer"
    if error.sqlstate:
        return _REASONS.get(error.sqlstate, f"the database answered {error.sqlstate}")
    if isinstance(error, psycopg.OperationalError):
        return "the connection to the database is lost"
    return f"the database driver failed: {type(error).__name__}"


@contextmanager
def translated() -> Iterator[None]:
    """Every psycopg error that leaves the block is Unavailable."""
    try:
        yield
    except psycopg.Error as error:
        raise failure_of(error) from error


@asynccontextmanager
async def deadline(within: timedelta) -> AsyncIterator[None]:
    """Cancel the block when it has not ended *within*, and raise Unavailable."""
    try:
        async with asyncio.timeout(within.total_seconds()) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise Unavailable("a transaction took too long, and was given up") from error


class MigrationError(Exception):
    """One line that says what is wrong with the schema, and what to do."""


class Unreachable(MigrationError):
    """There was no connection to the database. Later there may be one."""


@contextmanager
def migration_translated(what: str, kind: type[MigrationError] = MigrationError) -> Iterator[None]:
    """Every psycopg error that leaves the block is a MigrationError about *what*."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise MigrationError(
            f"{what}: others hold a lock that it needs; nothing was changed, try again"
        ) from error
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0]
        raise kind(f"{what}: {said}") from error
