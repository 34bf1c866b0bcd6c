from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.handover_ends import save
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
from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application, Order
from postroom.domain.handover.claiming import plan
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
        return Claimed(calls, made.others, made.health, made.ping)

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
        await self._save_standing(application, replace(standing, health=made.health))
        return Settled(made.handovers, standing.health, made.health)

    async def pinged(
        self, application: Application, answer: Answer, *, began: datetime, draw: float
    ) -> Settled:
        standing, now = self._standing(application), self._clock.now()
        health = standing.health.after(
            answer, key="", began=began, now=now, draw=draw, limit=application.in_flight
        )
        await self._save_standing(application, replace(standing, health=health))
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
