from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.takeovers import InMemoryTakeovers
from postroom.application.ports import BEGINNING, Place, ShadowRows
from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import Decision, ShadowRow
from postroom.domain.takeover import Takeover


class InMemoryShadowRows(ShadowRows):
    """Of handovers it has what a test puts there."""

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database
        self._takeovers = InMemoryTakeovers(database)

    async def put(self, tenant: str, mailbox: str, row: ShadowRow) -> None:
        async with self._database.transaction(tenant) as tables:
            tables.shadow_rows[mailbox, row.key, row.application] = row

    async def page(
        self,
        tenant: str,
        mailbox: str,
        *,
        since: datetime,
        after: Place = BEGINNING,
        limit: int = 1000,
    ) -> Sequence[ShadowRow]:
        rows = self._database.read(tenant).shadow_rows
        found = [
            row
            for (of, *place), row in sorted(rows.items())
            if of == mailbox and tuple(place) > after
            if row.state is State.SHADOW or row.accepted_at >= since
        ]
        return found[:limit]

    async def release(
        self, tenant: str, mailbox: str, decisions: Sequence[Decision], takeover: Takeover
    ) -> int:
        changed = 0
        async with self._database.ledger_block(tenant, mailbox) as tables:
            await self._takeovers.record(tenant, mailbox, takeover)
            for decision in decisions:
                place = mailbox, decision.row.key, decision.row.application
                row = tables.shadow_rows.get(place)
                if row and row.state is State.SHADOW:
                    tables.shadow_rows[place] = replace(row, state=decision.state)
                    changed += 1
        return changed
