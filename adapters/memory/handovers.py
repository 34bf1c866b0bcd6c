from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.events import write
from postroom.adapters.memory.handover_ends import delete_taken, save
from postroom.adapters.memory.handover_row import HandoverRow, Standing, in_turns
from postroom.application.ports import (
    Answered,
    Backlog,
    Call,
    Claimed,
    Clock,
    Handovers,
    NewHandover,
    Settled,
)
from postroom.domain.events.of_applications import event_of_health
from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application, Order
from postroom.domain.handover.body_readdress import readdressed
from postroom.domain.handover.claiming import plan
from postroom.domain.handover.fallback import falls_back, may_leave, moved, taken_over
from postroom.domain.handover.handover import BACKLOG, COUNTED, Handover, State
from postroom.domain.handover.health import Health
from postroom.domain.handover.settling import Key, settle
from postroom.domain.mailbox import Mailbox


class InMemoryHandovers(Handovers):
    def __init__(self, database: InMemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def next_number(self, application: Application, mailbox: Mailbox) -> int:
        key = mailbox.id, application.name
        async with self._database.transaction(mailbox.tenant) as tables:
            tables.handover_numbers[key] = tables.handover_numbers.get(key, 0) + 1
            return tables.handover_numbers[key]

    async def accept(self, application: Application, new: NewHandover) -> bool:
        handover = new.handover
        key = application.name, handover.key
        async with self._database.transaction(handover.tenant) as tables:
            if key in tables.handovers:
                _give_back(tables, handover)
                return False
            tables.handovers[key] = HandoverRow(
                handover=handover,
                owner=application.tenant,
                body=new.body,
                job=new.job,
                raw=new.raw,
                raw_size=new.raw_size,
                traceparent=new.traceparent,
            )
        return True

    async def due(self) -> Sequence[tuple[str, str]]:
        now = self._clock.now()
        rows = [row for row in self._rows() if row.handover.is_due(now)]
        return sorted({(row.owner, row.handover.application) for row in rows})

    async def claim(self, application: Application, limit: int) -> Claimed:
        rows, standing, now = self._of(application), self._standing(application), self._clock.now()
        health = standing.health
        in_flight = sum(_is_out(row.handover, now) for row in rows.values())
        if health.room(in_flight, now) == 0:
            return Claimed([], [], health)
        stored = [row.handover for row in rows.values()]
        ordered = application.order is Order.MAILBOX
        due = in_turns(stored, standing, now, limit, ordered=ordered)
        made = plan(due, health, application, in_flight=in_flight, limit=limit, now=now)
        for each in (*made.calls, *made.others):
            await save(self._database, each, None, now)
        turn = made.calls[-1].lane if made.calls else standing.turn
        await self._save_standing(application, Standing(made.health, turn))
        calls = [_call(each, rows[each.tenant, each.key]) for each in made.calls]
        return Claimed(calls, made.others, made.health, now if made.ping else None)

    async def fall_back(
        self, application: Application, standby: Application, *, limit: int
    ) -> Sequence[Handover]:
        health, now = self._standing(application).health, self._clock.now()
        if not falls_back(application, health, now):
            return []
        rows = [row for row in self._of(application).values() if self._may_leave(row, standby)]
        rows.sort(key=lambda row: (row.handover.accepted_at, row.handover.key))
        left = []
        for row in rows[:limit]:
            left.append(moved(row.handover, standby, now))
            async with self._database.transaction(row.handover.tenant) as tables:
                tables.handovers[standby.name, row.handover.key] = replace(
                    row,
                    handover=taken_over(row.handover, standby, now),
                    owner=standby.tenant,
                    body=readdressed(row.body, standby),
                    last_answer={},
                )
            await save(self._database, left[-1], None, now)
        return left

    def _may_leave(self, row: HandoverRow, standby: Application) -> bool:
        known = self._database.read(row.handover.tenant).handovers
        return may_leave(row.handover) and (standby.name, row.handover.key) not in known

    async def settle(
        self, application: Application, answers: Sequence[Answered], *, draw: float
    ) -> Settled:
        rows, standing, now = self._of(application), self._standing(application), self._clock.now()
        made = settle(
            {key: row.handover for key, row in rows.items()},
            [(each.call, each.answer) for each in answers],
            standing.health,
            application,
            now=now,
            draw=draw,
        )
        for handover, answer in made.changed.values():
            await save(self._database, handover, answer, now)
            if application.is_subscriber:
                await delete_taken(self._database, handover)
        changed = [handover for handover, _ in made.changed.values()]
        await self._save_health(application, standing, made.health, now)
        return Settled(changed, standing.health, made.health)

    async def pinged(
        self, application: Application, answer: Answer, *, began: datetime, draw: float
    ) -> Settled:
        standing, now = self._standing(application), self._clock.now()
        health = standing.health.after(
            answer, key="", began=began, now=now, draw=draw, limit=application.in_flight
        )
        await self._save_health(application, standing, health, now)
        return Settled([], standing.health, health)

    async def health(self, application: Application) -> tuple[Health, datetime]:
        return self._standing(application).health, self._clock.now()

    async def backlog(self, application: Application) -> Backlog:
        rows = [row for row in self._of(application).values() if row.handover.state in COUNTED]
        return Backlog(
            count=len(rows),
            size=sum(row.raw_size + len(row.body) for row in rows),
            oldest=min(
                (row.handover.accepted_at for row in rows if row.handover.state in BACKLOG),
                default=None,
            ),
        )

    def _of(self, application: Application) -> Mapping[Key, HandoverRow]:
        owned = application.tenant, application.name
        return {
            (row.handover.tenant, row.handover.key): row
            for row in self._rows()
            if (row.owner, row.handover.application) == owned
        }

    def _rows(self) -> Sequence[HandoverRow]:
        searched = self._database.across_tenants()
        return [row for tables in searched for row in tables.handovers.values()]

    def _standing(self, application: Application) -> Standing:
        found = self._database.read(application.tenant).standings.get(application.name)
        return found or Standing(Health(window=application.in_flight))

    async def _save_health(
        self, application: Application, before: Standing, health: Health, now: datetime
    ) -> None:
        await self._save_standing(application, replace(before, health=health))
        async with self._database.transaction(application.tenant) as tables:
            event = event_of_health(application, before.health, health, now)
            write(self._database, tables, event)

    async def _save_standing(self, application: Application, standing: Standing) -> None:
        async with self._database.transaction(application.tenant) as tables:
            tables.standings[application.name] = standing


def _give_back(tables: Tables, handover: Handover) -> None:
    key = handover.mailbox, handover.application
    if handover.sequence and tables.handover_numbers.get(key) == handover.sequence:
        tables.handover_numbers[key] -= 1


def _is_out(handover: Handover, now: datetime) -> bool:
    return handover.state is State.CALLING and not handover.is_due(now)


def _call(handover: Handover, row: HandoverRow) -> Call:
    return Call(handover, row.body, row.traceparent)
