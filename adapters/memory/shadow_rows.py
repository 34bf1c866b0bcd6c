from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handover_row import HandoverRow
from postroom.adapters.memory.takeovers import InMemoryTakeovers
from postroom.application.ports import BEGINNING, Clock, Place, ShadowRows
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.shadow import Decision, ShadowRow
from postroom.domain.takeover import Takeover


class InMemoryShadowRows(ShadowRows):
    """The handovers of *database*. Without a *clock*, no time passes."""

    def __init__(self, database: InMemoryDatabase, clock: Clock | None = None) -> None:
        self._database = database
        self._takeovers = InMemoryTakeovers(database)
        self._clock = clock or ManualClock()

    async def put(self, tenant: str, mailbox: str, row: ShadowRow) -> None:
        """A handover that is *row*, as one that was accepted before."""
        async with self._database.transaction(tenant) as tables:
            tables.handovers[row.application, row.key] = HandoverRow(
                handover=_handover(tenant, mailbox, row),
                owner="",
                body=b"",
                job=None,
                raw="",
                raw_size=0,
                traceparent="",
            )

    async def page(
        self,
        tenant: str,
        mailbox: str,
        *,
        since: datetime,
        after: Place = BEGINNING,
        limit: int = 1000,
    ) -> Sequence[ShadowRow]:
        handovers = (row.handover for row in self._database.read(tenant).handovers.values())
        found = [
            _row(each)
            for each in sorted(handovers, key=_place)
            if each.mailbox == mailbox and _place(each) > after
            if each.state is State.SHADOW or each.accepted_at >= since
        ]
        return found[:limit]

    async def release(
        self, tenant: str, mailbox: str, decisions: Sequence[Decision], takeover: Takeover
    ) -> int:
        changed = 0
        async with self._database.ledger_block(tenant, mailbox) as tables:
            await self._takeovers.record(tenant, mailbox, takeover)
            for decision in decisions:
                place = decision.row.application, decision.row.key
                stored = tables.handovers.get(place)
                if stored and _is_in_shadow(stored.handover, mailbox):
                    decided = self._decided(stored.handover, decision)
                    tables.handovers[place] = replace(stored, handover=decided)
                    changed += 1
        return changed

    async def expired(self, *, after: timedelta, limit: int) -> int:
        before, deleted = self._clock.now() - after, 0
        for tables in self._database.across_tenants():
            for row in list(tables.handovers.values()):
                handover = row.handover
                is_old = handover.state is State.SHADOW and handover.accepted_at < before
                if is_old and deleted < limit:
                    async with self._database.transaction(handover.tenant) as changed:
                        del changed.handovers[handover.application, handover.key]
                    deleted += 1
        return deleted

    def _decided(self, handover: Handover, decision: Decision) -> Handover:
        now = self._clock.now()
        ended_at = None if decision.state is State.WAITING else now
        return replace(
            handover, state=decision.state, reason=decision.reason, due_at=now, ended_at=ended_at
        )


def _is_in_shadow(handover: Handover, mailbox: str) -> bool:
    return handover.state is State.SHADOW and handover.mailbox == mailbox


def _place(handover: Handover) -> Place:
    return handover.key, handover.application


def _row(handover: Handover) -> ShadowRow:
    return ShadowRow(
        application=handover.application,
        key=handover.key,
        identity=handover.identity,
        received_at=handover.received_at,
        accepted_at=handover.accepted_at,
        state=handover.state,
    )


def _handover(tenant: str, mailbox: str, row: ShadowRow) -> Handover:
    return Handover(
        tenant=tenant,
        application=row.application,
        key=row.key,
        mailbox=mailbox,
        identity=row.identity,
        received_at=row.received_at,
        accepted_at=row.accepted_at,
        state=row.state,
        due_at=row.accepted_at,
    )
