"""The handovers in shadow: see the table `handover`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import kwargs_row

from postroom.adapters.postgres.database import Database
from postroom.application.ports import BEGINNING, Place, ShadowRows, Takeovers
from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import Decision, ShadowRow
from postroom.domain.takeover import Takeover

_PAGE = """
SELECT application, key, identity, received_at, accepted_at, state FROM handover
WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s
    AND (state = 'shadow' OR accepted_at >= %(since)s)
    AND (key COLLATE "C", application COLLATE "C") > (%(key)s, %(application)s)
ORDER BY key COLLATE "C", application COLLATE "C" LIMIT %(limit)s
"""

_RELEASE = """
UPDATE handover SET
    state = decided.state,
    reason = decided.reason,
    due_at = now(),
    ended_at = CASE WHEN decided.state <> 'waiting' THEN now() END
FROM unnest(%(keys)s::text[], %(applications)s::text[], %(states)s::text[], %(reasons)s::text[])
    AS decided (key, application, state, reason)
WHERE handover.tenant = %(tenant)s AND handover.mailbox = %(mailbox)s
    AND handover.key = decided.key AND handover.application = decided.application
    AND handover.state = 'shadow'
"""

_EXPIRE = """
WITH expired AS (
    SELECT tenant, key, application FROM handover
    WHERE state = 'shadow' AND accepted_at < statement_timestamp() - %(after)s
    ORDER BY accepted_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM handover USING expired
WHERE handover.tenant = expired.tenant AND handover.key = expired.key
  AND handover.application = expired.application
"""

BATCH = 5000
"""Rows that one statement changes."""


class PostgresShadowRows(ShadowRows):
    """*takeovers* must be over the same *database*."""

    def __init__(self, database: Database, takeovers: Takeovers) -> None:
        self._database = database
        self._takeovers = takeovers

    async def page(
        self,
        tenant: str,
        mailbox: str,
        *,
        since: datetime,
        after: Place = BEGINNING,
        limit: int = 1000,
    ) -> Sequence[ShadowRow]:
        key, application = after
        of = {"tenant": tenant, "mailbox": mailbox, "key": key, "application": application}
        async with (
            self._database.transaction(tenant) as connection,
            connection.cursor(row_factory=kwargs_row(_row)) as cursor,
        ):
            await cursor.execute(_PAGE, {**of, "since": since, "limit": limit})
            return await cursor.fetchall()

    async def release(
        self, tenant: str, mailbox: str, decisions: Sequence[Decision], takeover: Takeover
    ) -> int:
        changed = 0
        async with self._database.ledger_block(tenant) as connection:
            await self._takeovers.record(tenant, mailbox, takeover)  # in the same transaction
            for start in range(0, len(decisions), BATCH):
                batch = decisions[start : start + BATCH]
                values = {
                    "tenant": tenant,
                    "mailbox": mailbox,
                    "keys": [each.row.key for each in batch],
                    "applications": [each.row.application for each in batch],
                    "states": [each.state.value for each in batch],
                    "reasons": [each.reason for each in batch],
                }
                changed += (await connection.execute(_RELEASE, values)).rowcount
        return changed

    async def expired(self, *, after: timedelta, limit: int) -> int:
        async with self._database.across_tenants() as connection:
            return (await connection.execute(_EXPIRE, {"after": after, "limit": limit})).rowcount


def _row(state: str, **values: Any) -> ShadowRow:  # noqa: ANN401 - columns of several types
    return ShadowRow(state=State(state), **values)
