"""What other systems have had of mailboxes: see 0012_takeovers.sql."""

from collections.abc import Mapping
from datetime import datetime

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import MailboxRegistry, Takeovers
from postroom.domain.mailbox import Mailbox
from postroom.domain.takeover import Takeover

_RECORD = """
INSERT INTO takeover (tenant, mailbox, since) VALUES (%s, %s, %s)
ON CONFLICT (tenant, mailbox) DO UPDATE SET since = excluded.since
"""

_HANDLED = """
INSERT INTO handled_elsewhere (tenant, mailbox, name, handled_at)
SELECT %s, %s, name, handled_at
FROM unnest(%s::text[], %s::timestamptz[]) AS given (name, handled_at)
ON CONFLICT DO NOTHING
"""

# A message without an id of its own has that of its source for a name: see `identify`.
_HANDLED_SOURCES = """
INSERT INTO handled_message (tenant, mailbox, name, digest, source)
SELECT %s, %s, source, '', source FROM unnest(%s::text[]) AS given (source)
ON CONFLICT DO NOTHING
"""

_MOVE = """
UPDATE folder_sync SET position = %s, position_at = %s
WHERE tenant = %s AND mailbox = %s AND folder = %s
"""

_SINCE = "SELECT since FROM takeover WHERE tenant = %s AND mailbox = %s"


class PostgresTakeovers(Takeovers):
    """*registry* must be over the same *database*."""

    def __init__(self, database: Database, registry: MailboxRegistry) -> None:
        self._database = database
        self._registry = registry

    async def add(self, mailbox: Mailbox, takeover: Takeover, positions: Mapping[str, str]) -> None:
        async with self._database.ledger_block(mailbox.tenant) as connection:
            await self._registry.add(mailbox)  # in the same transaction
            await _record(connection, mailbox.tenant, mailbox.id, takeover)
            for folder, position in positions.items():
                place = mailbox.tenant, mailbox.id, folder
                await connection.execute(_MOVE, [position, mailbox.added_at, *place])

    async def record(self, tenant: str, mailbox_id: str, takeover: Takeover) -> None:
        async with self._database.transaction(tenant) as connection:
            await _record(connection, tenant, mailbox_id, takeover)

    async def since(self, tenant: str, mailbox_id: str) -> datetime | None:
        async with self._database.transaction(tenant) as connection:
            found = await connection.execute(_SINCE, [tenant, mailbox_id])
            row = await found.fetchone()
        return row[0] if row else None


async def _record(connection: Connection, tenant: str, mailbox_id: str, takeover: Takeover) -> None:
    of = tenant, mailbox_id
    names = [indexable(name) for name in takeover.handled]
    await connection.execute(_RECORD, [*of, takeover.since])
    await connection.execute(_HANDLED, [*of, names, list(takeover.handled.values())])
    await connection.execute(
        _HANDLED_SOURCES, [*of, [indexable(each) for each in takeover.sources]]
    )
