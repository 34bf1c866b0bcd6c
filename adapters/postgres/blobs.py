"""What refers to blobs, and the canaries. Of blobs themselves nothing is stored here."""

from collections.abc import Sequence
from datetime import datetime

from postroom.adapters.postgres.database import Database
from postroom.application.ports import CANARIES, BlobCanaries, BlobReferences, Canary

# Every column has its table's name: a handover has a key, too. Each has an index of (tenant, the
# blob), two of them but for rows without one.
_UNREFERENCED = """
SELECT wanted.key
FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS wanted (key, place)
WHERE NOT EXISTS (
        SELECT FROM comment
        WHERE comment.tenant = %(tenant)s AND comment.original = wanted.key
          AND comment.original <> ''
    ) AND NOT EXISTS (
        SELECT FROM document
        WHERE document.tenant = %(tenant)s AND document.blob = wanted.key
    ) AND NOT EXISTS (
        SELECT FROM handover
        WHERE handover.tenant = %(tenant)s AND handover.raw = wanted.key AND handover.raw <> ''
    )
ORDER BY place
"""

_NO_CANARIES = """
SELECT wanted.key
FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS wanted (key, place)
WHERE NOT EXISTS (SELECT FROM blob_canary WHERE blob_canary.key = wanted.key)
ORDER BY place
"""

_STORE = """
INSERT INTO blob_canary (host, pid, key, written_at, seen_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (host, pid) DO UPDATE
SET key = excluded.key, written_at = excluded.written_at, seen_at = excluded.seen_at
"""

_FORGET = "DELETE FROM blob_canary WHERE seen_at < %s"

_NEWEST = """
SELECT DISTINCT ON (host) host, pid, key, written_at FROM blob_canary WHERE seen_at >= %s
ORDER BY host, written_at DESC, pid
"""


class PostgresBlobReferences(BlobReferences):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def unreferenced(self, tenant: str, keys: Sequence[str]) -> Sequence[str]:
        query = _NO_CANARIES if tenant == CANARIES else _UNREFERENCED
        wanted = {"tenant": tenant, "keys": list(dict.fromkeys(keys))}
        # Not as the tenant: a row that a policy hides would be one that does not refer to it.
        async with self._database.across_tenants() as connection:
            rows = await connection.execute(query, wanted)
            return [key async for (key,) in rows]


class PostgresBlobCanaries(BlobCanaries):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, canary: Canary, *, now: datetime, gone_before: datetime) -> None:
        row = [canary.host, canary.pid, canary.key, canary.written_at, now]
        async with self._database.across_tenants() as connection:
            await connection.execute(_STORE, row)
            await connection.execute(_FORGET, [gone_before])

    async def newest(self, *, seen_since: datetime) -> Sequence[Canary]:
        async with self._database.across_tenants() as connection:
            rows = await connection.execute(_NEWEST, [seen_since])
            return [Canary(*row) async for row in rows]
