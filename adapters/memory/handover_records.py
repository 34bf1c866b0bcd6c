from collections.abc import Sequence
from datetime import datetime, timedelta

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handover_ends import record_end, save
from postroom.adapters.memory.handover_row import HandoverRow
from postroom.application.ports import (
    SHORTEST_HEAD,
    Clock,
    HandoverFilter,
    HandoverRecord,
    HandoverRecords,
)
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.handover.application import Application
from postroom.domain.handover.ending import DISCARDED
from postroom.domain.handover.handover import DEAD_LETTERS, Handover, State


class InMemoryHandoverRecords(HandoverRecords):
    def __init__(self, database: InMemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find(
        self, chosen: HandoverFilter, *, limit: int = 100, after: str = ""
    ) -> Sequence[HandoverRecord]:
        rows = self._newest(chosen.tenant)
        found = [
            row
            for row in rows
            if _matches(row.handover, chosen) and (row.job or not chosen.of_messages)
        ]
        if after:
            places = [row.handover.accepted_at for row in rows if row.handover.key == after]
            found = [row for row in found if places and _place(row) < (min(places), after)]
        page = found[:limit]
        page += [row for row in found[limit:] if page and _place(row) == _place(page[-1])]
        return [row.record for row in page]

    async def get(
        self, key: str, *, tenant: str = "", application: str = ""
    ) -> HandoverRecord | None:
        rows = [
            row for row in self._newest(tenant) if application in ("", row.handover.application)
        ]
        keys = {row.handover.key for row in rows}
        if key not in keys and len(key) >= SHORTEST_HEAD:
            keys = {each for each in keys if each.startswith(key)}
            key = keys.pop() if len(keys) == 1 else key
        found = [row for row in rows if row.handover.key == key]
        return found[0].record if found else None

    async def dead(
        self, chosen: DeadLetterFilter, *, before: datetime | None, limit: int
    ) -> Sequence[HandoverRecord]:
        states = DEAD_LETTERS | {State.HELD} if chosen.held else DEAD_LETTERS
        rows = [
            row
            for row in self._newest(chosen.tenant)
            if row.handover.state in states
            and chosen.mailbox in ("", row.handover.mailbox)
            and (before is None or _died_at(row) < before)
        ]
        rows.sort(key=_died_at, reverse=True)
        page = rows[:limit]
        page += [row for row in rows[limit:] if page and _died_at(row) == _died_at(page[-1])]
        return [row.record for row in page]

    async def body(self, record: HandoverRecord) -> bytes | None:
        row = self._stored(record.handover)
        return row.body if row else None

    async def move(self, record: HandoverRecord, to: State, reason: str) -> bool:
        row = self._stored(record.handover)
        if row is None or row.handover != record.handover:
            return False
        now = self._clock.now()
        await save(self._database, row.handover.moved(to, reason, now), None, now)
        return True

    async def discard(self, application: Application) -> int:
        owned = application.tenant, application.name
        rows = [
            row
            for row in self._newest("")
            if (row.owner, row.handover.application) == owned and not row.handover.has_ended
        ]
        for row in rows:
            async with self._database.transaction(row.handover.tenant) as tables:
                del tables.handovers[row.handover.application, row.handover.key]
                record_end(self._database, tables, row, DISCARDED, self._clock.now())
        return len(rows)

    async def expired(self, *, limit: int, default: timedelta) -> int:
        rows = [row for row in self._newest("") if self._is_expired(row, default)]
        for row in rows[:limit]:
            async with self._database.transaction(row.handover.tenant) as tables:
                del tables.handovers[row.handover.application, row.handover.key]
        return len(rows[:limit])

    def _newest(self, tenant: str) -> Sequence[HandoverRow]:
        """Newest first, of all tenants if none is given."""
        searched = [self._database.read(tenant)] if tenant else self._database.across_tenants()
        rows = [row for tables in searched for row in tables.handovers.values()]
        rows.sort(key=lambda row: row.handover.application)
        return sorted(rows, key=_place, reverse=True)

    def _stored(self, handover: Handover) -> HandoverRow | None:
        rows = self._database.read(handover.tenant).handovers
        return rows.get((handover.application, handover.key))

    def _is_expired(self, row: HandoverRow, default: timedelta) -> bool:
        handover = row.handover
        if handover.ended_at is None or handover.state in DEAD_LETTERS:
            return False
        owner = self._database.read(row.owner)
        application = owner.applications.get(handover.application)
        retention = application.retention if application else default
        return handover.ended_at < self._clock.now() - retention


def _died_at(row: HandoverRow) -> datetime:
    return row.handover.ended_at or row.handover.due_at


def _place(row: HandoverRow) -> tuple[datetime, str]:
    return row.handover.accepted_at, row.handover.key


def _matches(handover: Handover, chosen: HandoverFilter) -> bool:
    return (
        chosen.application in ("", handover.application)
        and chosen.mailbox in ("", handover.mailbox)
        and chosen.identity in ("", handover.identity)
        and (not chosen.states or handover.state in chosen.states)
        and (not chosen.unsure or handover.unsure > 0)
        and (chosen.since is None or handover.accepted_at >= chosen.since)
        and (chosen.until is None or handover.accepted_at < chosen.until)
    )
