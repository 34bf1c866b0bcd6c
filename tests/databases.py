"""Databases with our schema in them, on the servers of tests/engines.py."""

import asyncio
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from postroom.adapters.postgres.migrations import migrate

_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'postroom' AND tablename <> 'migration'
"""


def new_database(server_url: str) -> str:
    """The URL of a new, migrated database, which is gone with the server."""
    url = bare_database(server_url)
    asyncio.run(migrate(url))
    return url


def bare_database(server_url: str) -> str:
    """The URL of a new database without our schema, which is gone with the server."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def empty(url: str) -> None:
    """Delete every row."""
    with psycopg.connect(url) as connection:
        # In any order, so without foreign keys. TRUNCATE would make a dozen new files a table.
        connection.execute("SET session_replication_role = replica")
        for (table,) in connection.execute(_TABLES).fetchall():
            connection.execute(SQL("DELETE FROM {}").format(Identifier("postroom", table)))
