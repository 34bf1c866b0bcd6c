"""How we connect: to what, with which names, and for how long we wait for what."""

import re
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

Connection = psycopg.AsyncConnection[TupleRow]

SCHEMA = "postroom"
APPLICATION_ROLE = "postroom_app"

# A peer that vanishes without a word is noticed by the kernel: seconds, and milliseconds for the
# last (PostgreSQL manual, section 34.1.2).
_OPTIONS: dict[str, object] = {
    "autocommit": True,
    "client_encoding": "UTF8",
    "fallback_application_name": "postroom",
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class InvalidDatabaseUrl(ValueError):
    """The setting is not a connection string; the message does not repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait: *pool* for a free connection, *connect* for the server to let us in, *lock*
    for another transaction, *statement* for one statement, *idle* for a block to go on.

    *idle* must be longer than the slowest processor takes with one message.
    """

    pool: timedelta = timedelta(seconds=5)
    connect: timedelta = timedelta(seconds=5)
    lock: timedelta = timedelta(seconds=20)
    statement: timedelta = timedelta(seconds=30)
    idle: timedelta = timedelta(minutes=2)


def options(timeouts: Timeouts) -> dict[str, object]:
    """For libpq and psycopg, once a connection."""
    return {**_OPTIONS, "connect_timeout": round(timeouts.connect.total_seconds())}


def settings(timeouts: Timeouts) -> dict[str, str]:
    """For PostgreSQL, once a transaction."""
    return {
        "search_path": SCHEMA,
        "TimeZone": "UTC",
        "statement_timeout": _milliseconds(timeouts.statement),
        "lock_timeout": _milliseconds(timeouts.lock),
        "idle_in_transaction_session_timeout": _milliseconds(timeouts.idle),
    }


def check_conninfo(conninfo: str) -> None:
    """Raises InvalidDatabaseUrl if libpq cannot read *conninfo*, or reads it otherwise than meant.

    Neither the text nor libpq's complaint is repeated, since both may hold the password: an `@` in
    it that is not percent-encoded makes the rest of it the host.
    """
    try:
        read = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        read = {"port": "unreadable"}
    if not re.fullmatch(r"[\d,]*", str(read.get("port", ""))) or "@" in str(read.get("host", "")):
        raise InvalidDatabaseUrl(
            "POSTROOM_DATABASE_URL is not a PostgreSQL URL: write postgresql://user@host:5432/name,"
            " and special characters of the password in percent encoding"
        )


def _milliseconds(wait: timedelta) -> str:
    return str(round(wait.total_seconds() * 1000))
