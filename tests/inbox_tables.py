"""Databases of a user's, with an inbox table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from postroom.adapters.inbox_table.table import TABLE_SQL
from postroom.application.ports import Call
from postroom.domain.handover.application import Application
from tests.calling import application, call_of


@contextmanager
def inbox_database(server_url: str) -> Iterator[str]:
    """The URL of a database with the table in it, which is there while the block lasts."""
    name = f"inbox_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        run(url, TABLE_SQL)
        yield url
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def inbox(url: str, *, timeout: timedelta = timedelta(seconds=5)) -> Application:
    return application(url, timeout=timeout)


def messages(number: int) -> Sequence[Call]:
    return [call_of(f"msg_{n}") for n in range(number)]


def with_options(url: str, **options: str) -> str:
    """*url* with what libpq takes in its query."""
    added = "&".join(f"{name}={quote(value)}" for name, value in options.items())
    return f"{url}{'&' if urlsplit(url).query else '?'}{added}"


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
