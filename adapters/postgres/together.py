"""Several statements in one round trip, where many transactions wait for one another's locks."""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncClientCursor
from psycopg.rows import dict_row

from postroom.adapters.postgres.connection import Connection

Statement = tuple[str, Mapping[str, Any]]
"""A query, and its values by name."""

NOTHING: Statement = ("SELECT", {})

COMMIT: Statement = ("COMMIT", {})
"""As the last: it is not come to if one before it fails."""


async def together(connection: Connection, *statements: Statement) -> list[list[dict[str, Any]]]:
    """The rows of each of *statements*.

    Their values are written into them, which PostgreSQL wants of more than one, and prepares none.
    """
    async with AsyncClientCursor(connection, row_factory=dict_row) as cursor:
        texts = [cursor.mogrify(query, values) for query, values in statements]
        await cursor.execute(";".join(texts))
        found = [await _rows(cursor)]
        while cursor.nextset():
            found.append(await _rows(cursor))
    return found


async def _rows(cursor: AsyncClientCursor[dict[str, Any]]) -> list[dict[str, Any]]:
    return await cursor.fetchall() if cursor.description else []
