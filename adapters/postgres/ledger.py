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


class PostgresIdempotencyLedger(IdempotencyLedger):
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def once(self, mailbox: Mailbox, identity: MessageIdentity) -> AsyncIterator[bool]:
        keys = [indexable(key) for key in (identity.name, identity.digest, identity.source)]
        async with self._database.ledger_block(mailbox.tenant) as connection:
            inserted = await connection.execute(_REMEMBER, [mailbox.tenant, mailbox.id, *keys])
            yield inserted.rowcount == 1
