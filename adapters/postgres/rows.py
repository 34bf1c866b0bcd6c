"""Rows as mappings, and the database's own time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from postroom.adapters.postgres.connection import Connection


async def rows(
    connection: Connection, query: str, values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """All that *query* returns."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


async def moment(connection: Connection) -> datetime:
    """The time now, not when the transaction began: what it has waited for is over."""
    [row] = await rows(connection, "SELECT clock_timestamp() AS now")
    now: datetime = row["now"]
    return now
