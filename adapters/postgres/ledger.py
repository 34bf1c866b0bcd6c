"""The idempotency ledger: one row a message, inserted before its processing, committed after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import IdempotencyLedger
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox
from postroom.domain.takeover import CLOCKS_DIFFER

# Waits where an open transaction has inserted a row that has either key in common. What another
# system has had is remembered as handled, too, and found by its own keys from then on.
_REMEMBER = """
WITH remembered AS (
    INSERT INTO handled_message (tenant, mailbox, name, digest, source)
    VALUES (%(tenant)s, %(mailbox)s, %(name)s, %(digest)s, %(source)s)
    ON CONFLICT DO NOTHING RETURNING 1
), elsewhere AS (
    UPDATE handled_elsewhere SET digest = %(digest)s
    WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND name = %(name)s AND digest IS NULL
        AND handled_at >= %(received_at)s::timestamptz - %(clocks_differ)s
        AND EXISTS (SELECT FROM remembered)
    RETURNING 1
)
SELECT EXISTS (SELECT FROM remembered)
    AND NOT EXISTS (SELECT FROM elsewhere)
    AND NOT EXISTS (
        SELECT FROM takeover
        WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND since > %(received_at)s::timestamptz
    )
"""

_HANDLED = "SELECT name FROM handled_message WHERE tenant = %s AND mailbox = %s AND source = %s"


class PostgresIdempotencyLedger(IdempotencyLedger):
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def once(
        self, mailbox: Mailbox, identity: MessageIdentity, received_at: datetime | None = None
    ) -> AsyncIterator[bool]:
        values = {
            "tenant": mailbox.tenant,
            "mailbox": mailbox.id,
            "name": indexable(identity.name),
            "digest": indexable(identity.digest),
            "source": indexable(identity.source),
            "received_at": received_at,
            "clocks_differ": CLOCKS_DIFFER,
        }
        async with self._database.ledger_block(mailbox.tenant) as connection:
            found = await connection.execute(_REMEMBER, values)
            yield await found.fetchone() == (True,)

    async def handled(self, mailbox: Mailbox, source: str) -> str:
        async with self._database.transaction(mailbox.tenant) as connection:
            found = await connection.execute(
                _HANDLED, [mailbox.tenant, mailbox.id, indexable(source)]
            )
            row = await found.fetchone()
        return row[0] if row else ""
