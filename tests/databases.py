"""Databases with our schema in them, on the servers of tests/engines.py."""

import asyncio
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from adapters.postgres.migrations import migrate

_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'postroom' AND tablename <> 'migration'
"""


def new_database(server_url: str) -> str:
    """A connection string of a new, migrated database, which is gone with the server."""
    name = f"migrated_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    conninfo = make_conninfo(server_url, dbname=name)
    asyncio.run(migrate(conninfo))
    return conninfo


def empty(conninfo: str) -> None:
    """Delete every row."""
    with psycopg.connect(conninfo) as connection:
        # In any order, so without foreign keys. TRUNCATE would make a dozen new files a table.
        connection.execute("SET session_replication_role = replica")
        for (table,) in connection.execute(_TABLES).fetchall():
            connection.execute(SQL("DELETE FROM {}").format(Identifier("postroom", table)))
