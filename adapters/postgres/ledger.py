"""The idempotency ledger: one row a message, inserted before its processing, committed after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import IdempotencyLedger
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox

# Waits where an open transaction has inserted a row that has either key in common.
_REMEMBER = """
INSERT INTO handled_message (tenant, mailbox, name, digest, source) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""

_HANDLED = "SELECT name FROM handled_message WHERE tenant = %s AND mailbox = %s AND source = %s"


class PostgresIdempotencyLedger(IdempotencyLedger):
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def once(self, mailbox: Mailbox, identity: MessageIdentity) -> AsyncIterator[bool]:
        keys = [indexable(key) for key in (identity.name, identity.digest, identity.source)]
        async with self._database.ledger_block(mailbox.tenant) as connection:
            inserted = await connection.execute(_REMEMBER, [mailbox.tenant, mailbox.id, *keys])
            yield inserted.rowcount == 1

    async def handled(self, mailbox: Mailbox, source: str) -> str:
        async with self._database.transaction(mailbox.tenant) as connection:
            found = await connection.execute(
                _HANDLED, [mailbox.tenant, mailbox.id, indexable(source)]
            )
            row = await found.fetchone()
        return row[0] if row else ""
