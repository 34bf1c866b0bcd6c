"""The table, and what is done with it.

The program takes rows with `FOR UPDATE SKIP LOCKED`, and sets `done_at` in the transaction of its
effect. It must not delete a row before the body's `keepKeyUntil`: the key is what a second
handover of the same message is known by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL

from postroom.adapters.inbox_table.connection import Connection
from postroom.application.ports import Call
from postroom.domain.handover.answer import Answer, Done, Duplicate

TABLE_SQL = """\
CREATE TABLE postroom_inbox (
    key            text PRIMARY KEY,
    tenant         text NOT NULL,
    mailbox        text NOT NULL,
    received_at    timestamptz NOT NULL,
    body           jsonb NOT NULL,
    handed_over_at timestamptz NOT NULL DEFAULT now(),
    done_at        timestamptz
);
CREATE INDEX postroom_inbox_waiting ON postroom_inbox (handed_over_at) WHERE done_at IS NULL;
"""
"""For the user, who runs it. A row is announced by NOTIFY postroom_inbox."""

_INSERT = SQL("""
INSERT INTO postroom_inbox (key, tenant, mailbox, received_at, body)
SELECT key, tenant, mailbox, received_at, body::jsonb
FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
  AS new (key, tenant, mailbox, received_at, body)
ORDER BY key  -- two that insert the same keys wait for each other in one direction alone
ON CONFLICT (key) DO NOTHING
RETURNING key
""")

MAX_ROWS = 100
MAX_BYTES = 8 * 2**20
"""Of the bodies of one statement, but for a body that alone is larger."""


@dataclass(slots=True)
class Progress:
    """How far a call has come is what its failure means."""

    connected: bool = False
    committing: bool = False
    answers: list[Answer] = field(default_factory=list)


def portions(calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
    """*calls*, in order, in what one statement takes of them."""
    portion: list[Call] = []
    size = 0
    for call in calls:
        size += len(call.body)
        if portion and (size > MAX_BYTES or len(portion) == MAX_ROWS):
            yield portion
            portion, size = [], len(call.body)
        portion.append(call)
    if portion:
        yield portion


async def insert(
    connection: Connection, calls: Sequence[Call], within: timedelta, progress: Progress
) -> Sequence[Answer]:
    """All of *calls* or none, in a transaction. Raises psycopg.Error."""
    progress.committing = False
    async with connection.transaction():
        await _limit_statements(connection, within)
        found = await connection.execute(_INSERT, _columns(calls))
        new = {key for (key,) in await found.fetchall()}
        if new:
            await connection.execute("NOTIFY postroom_inbox")
        # psycopg sends no COMMIT, and does not say so, where the connection is known to be lost.
        if connection.info.transaction_status is not TransactionStatus.INTRANS:
            raise psycopg.OperationalError
        progress.committing = True
    return [Done() if call.handover.key in new else Duplicate() for call in calls]


async def look(connection: Connection, within: timedelta) -> None:
    """Whether there is such a table, for us to read. Raises psycopg.Error."""
    async with connection.transaction():
        await _limit_statements(connection, within)
        await connection.execute("SELECT 1 FROM postroom_inbox LIMIT 0")


async def _limit_statements(connection: Connection, within: timedelta) -> None:
    """Should we hang up while the server waits for a lock, it waits no longer than that."""
    milliseconds = str(round(within.total_seconds() * 1000))
    await connection.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])


def _columns(calls: Sequence[Call]) -> Sequence[Sequence[object]]:
    handovers = [call.handover for call in calls]
    return (
        [each.key for each in handovers],
        [each.tenant for each in handovers],
        [each.mailbox for each in handovers],
        [each.received_at for each in handovers],
        [call.body.decode() for call in calls],
    )
