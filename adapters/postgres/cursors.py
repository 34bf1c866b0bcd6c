"""Cursors, moved by compare and set."""

from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import Clock, Cursor, Cursors
from postroom.domain.mailbox import Mailbox

_READ = """
SELECT position, moved_at FROM cursor WHERE tenant = %s AND mailbox = %s AND name = %s
"""

_SET = """
INSERT INTO cursor (position, moved_at, tenant, mailbox, name) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""

_MOVE = """
UPDATE cursor SET position = %s, moved_at = %s
WHERE tenant = %s AND mailbox = %s AND name = %s AND position = %s
"""


class PostgresCursors(Cursors):
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read(self, mailbox: Mailbox, name: str) -> Cursor | None:
        async with self._database.transaction(mailbox.tenant) as connection:
            rows = await connection.execute(_READ, _key(mailbox, name))
            row = await rows.fetchone()
        return Cursor(*row) if row else None

    async def advance(self, mailbox: Mailbox, name: str, *, before: str | None, after: str) -> bool:
        values = [after, self._clock.now(), *_key(mailbox, name)]
        async with self._database.transaction(mailbox.tenant) as connection:
            if before is None:
                moved = await connection.execute(_SET, values)
            else:
                moved = await connection.execute(_MOVE, [*values, before])
        return moved.rowcount == 1


def _key(mailbox: Mailbox, name: str) -> list[str]:
    return [mailbox.tenant, mailbox.id, indexable(name)]
