from collections.abc import Sequence
from datetime import timedelta

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handover_row import HandoverRow
from postroom.application.ports import Clock, Distributed, Outbox
from postroom.domain.events.delivering import body_of, handover_of, is_for
from postroom.domain.events.event import Stored
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import State

_WAITS = {State.WAITING, State.HELD}


class InMemoryOutbox(Outbox):
    def __init__(self, database: InMemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def distribute(self, limit: int) -> Distributed:
        searched = self._database.across_tenants()
        events = [stored for tables in searched for stored in tables.events.values()][:limit]
        if not events:
            return Distributed(0, {})
        for stored in events:
            for subscriber in self._subscribers():
                if is_for(subscriber.tenant, subscriber.events, stored):
                    await self._accept(subscriber, stored)
            async with self._database.transaction(stored.event.tenant) as tables:
                del tables.events[stored.id]
        dropped = {(each.tenant, each.name): await self._drop(each) for each in self._subscribers()}
        return Distributed(len(events), {each: count for each, count in dropped.items() if count})

    async def expire(self, *, default: timedelta) -> int:
        now = self._clock.now()
        retentions = {(each.tenant, each.name): each.retention for each in self._subscribers()}
        old = [
            row
            for row in self._rows()
            if row.handover.state is not State.CALLING
            and row.handover.accepted_at
            < now - retentions.get((row.owner, row.handover.application), default)
        ]
        return await self._delete(old)

    async def _accept(self, subscriber: Application, stored: Stored) -> None:
        handover = handover_of(stored, subscriber.name, self._clock.now())
        async with self._database.transaction(handover.tenant) as tables:
            tables.handovers[subscriber.name, handover.key] = HandoverRow(
                handover=handover,
                owner=subscriber.tenant,
                body=body_of(stored),
                job=None,
                raw="",
                raw_size=0,
                traceparent="",
            )

    async def _drop(self, subscriber: Application) -> int:
        owned = subscriber.tenant, subscriber.name
        rows = [row for row in self._rows() if (row.owner, row.handover.application) == owned]
        opened = [row for row in rows if row.handover.state in _WAITS | {State.CALLING}]
        opened.sort(key=lambda row: (row.handover.accepted_at, row.handover.key), reverse=True)
        oldest = opened[subscriber.max_backlog :]
        return await self._delete([row for row in oldest if row.handover.state in _WAITS])

    async def _delete(self, rows: Sequence[HandoverRow]) -> int:
        for row in rows:
            async with self._database.transaction(row.handover.tenant) as tables:
                del tables.handovers[row.handover.application, row.handover.key]
        return len(rows)

    def _rows(self) -> Sequence[HandoverRow]:
        """Of events."""
        searched = self._database.across_tenants()
        rows = [row for tables in searched for row in tables.handovers.values()]
        return [row for row in rows if row.job is None]

    def _subscribers(self) -> Sequence[Application]:
        searched = self._database.across_tenants()
        rows = [row for tables in searched for row in tables.applications.values()]
        return [row for row in rows if row.is_subscriber]
