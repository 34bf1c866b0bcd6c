"""Handovers, one row each: see 0010_handovers.sql.

Whoever claims or settles locks the row of the application's health first, so claims of one
application are one after another, and its calls are counted exactly. Nobody waits for a call: that
is made outside any transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from postroom.adapters.postgres import handover_queries as queries
from postroom.adapters.postgres.application_health import (
    Standing,
    lock_standing,
    read_health,
    saving_standing,
)
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.event_rows import writing
from postroom.adapters.postgres.handover_bodies import Bodies
from postroom.adapters.postgres.handover_fallback import move
from postroom.adapters.postgres.handover_rows import (
    deleting_taken,
    handover_of,
    handovers_of,
    key_of,
    locking,
    save,
    saved_by_key,
    saving,
    values_of,
)
from postroom.adapters.postgres.jobs import JobFormat
from postroom.adapters.postgres.rows import rows
from postroom.adapters.postgres.text import indexable
from postroom.adapters.postgres.together import COMMIT, Statement, together
from postroom.application.ports import (
    Answered,
    Backlog,
    Call,
    Claimed,
    Handovers,
    NewHandover,
    Settled,
)
from postroom.domain.events.of_applications import event_of_health
from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application, Order
from postroom.domain.handover.claiming import plan
from postroom.domain.handover.fallback import falls_back
from postroom.domain.handover.handover import Handover
from postroom.domain.handover.health import Condition, Health
from postroom.domain.handover.settling import Key, settle
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


class PostgresHandovers(Handovers):
    """*pointers* are the types of the pointers that this release knows, by provider."""

    def __init__(
        self,
        database: Database,
        pointers: Mapping[str, type[Pointer]],
        bodies: Bodies = Bodies(),  # noqa: B008 - frozen
    ) -> None:
        self._database = database
        self._bodies = bodies
        self._format = JobFormat(pointers)

    async def next_number(self, application: Application, mailbox: Mailbox) -> int:
        key = {"tenant": mailbox.tenant, "mailbox": mailbox.id, "application": application.name}
        async with self._database.transaction(mailbox.tenant) as connection:
            [row] = await rows(connection, queries.NEXT_NUMBER, key)
        return int(row["last"])

    async def accept(self, application: Application, new: NewHandover) -> bool:
        values = self._row(application, new)
        async with self._database.transaction(new.handover.tenant) as connection:
            accepted = (await connection.execute(queries.ACCEPT, values)).rowcount == 1
            if not accepted and new.handover.sequence:
                await connection.execute(queries.GIVE_BACK, values)
        return accepted

    async def due(self) -> Sequence[tuple[str, str]]:
        async with self._database.across_tenants() as connection:
            found = await rows(connection, queries.DUE)
        return [(row["owner"], row["application"]) for row in found]

    async def claim(self, application: Application, limit: int) -> Claimed:
        async with self._database.across_tenants() as connection:
            in_flight_now = queries.IN_FLIGHT, _key(application)
            locked = await lock_standing(connection, application, in_flight_now)
            standing, now, health = locked.standing, locked.now, locked.standing.health
            in_flight = int(locked.found[0]["count"])
            if health.room(in_flight, now) == 0:
                return Claimed([], [], health)
            due = await _due(connection, application, standing, now, limit)
            made = plan(due, health, application, in_flight=in_flight, limit=limit, now=now)
            turn = made.calls[-1].lane if made.calls else standing.turn
            saved, *_ = await together(
                connection,
                saving(application.name, [*made.calls, *made.others], {}, now),
                *_saving_standing(application, standing, Standing(made.health, turn)),
            )
            calls, unreadable = self._opened(made.calls, saved_by_key(saved), now)
            await save(connection, application.name, unreadable, {}, now)
        others = [*made.others, *unreadable]
        return Claimed(calls, others, made.health, now if made.ping else None)

    async def fall_back(
        self, application: Application, standby: Application, *, limit: int
    ) -> Sequence[Handover]:
        async with self._database.across_tenants() as connection:
            locked = await lock_standing(connection, application)
            if not falls_back(application, locked.standing.health, locked.now):
                return []
            return await move(
                connection, self._bodies, application, standby, limit=limit, now=locked.now
            )

    async def settle(
        self, application: Application, answers: Sequence[Answered], *, draw: float
    ) -> Settled:
        async with self._database.across_tenants() as connection:
            stored = locking(application.name, [each.call for each in answers])
            locked = await lock_standing(connection, application, stored)
            standing, now = locked.standing, locked.now
            made = settle(
                handovers_of(locked.found),
                [(each.call, each.answer) for each in answers],
                standing.health,
                application,
                now=now,
                draw=draw,
            )
            changed = [handover for handover, _ in made.changed.values()]
            answered = {key: answer for key, (_, answer) in made.changed.items()}
            taken = [deleting_taken(application.name, changed)] if application.is_subscriber else []
            await together(
                connection,
                saving(application.name, changed, answered, now),
                *taken,
                *_saving_health(application, standing, made.health, now),
                COMMIT,
            )
        return Settled(changed, standing.health, made.health)

    async def pinged(
        self, application: Application, answer: Answer, *, began: datetime, draw: float
    ) -> Settled:
        async with self._database.across_tenants() as connection:
            locked = await lock_standing(connection, application)
            standing, now = locked.standing, locked.now
            health = standing.health.after(
                answer, key="", began=began, now=now, draw=draw, limit=application.in_flight
            )
            await together(connection, *_saving_health(application, standing, health, now), COMMIT)
        return Settled([], standing.health, health)

    async def health(self, application: Application) -> tuple[Health, datetime]:
        async with self._database.across_tenants() as connection:
            return await read_health(connection, application)

    async def backlog(self, application: Application) -> Backlog:
        async with self._database.across_tenants() as connection:
            [row] = await rows(connection, queries.BACKLOG, _key(application))
        return Backlog(**row)

    def _opened(
        self,
        claimed: Sequence[Handover],
        saved: Mapping[Key, Mapping[str, Any]],
        now: datetime,
    ) -> tuple[Sequence[Call], Sequence[Handover]]:
        """The calls, and what is held since its body cannot be read: the others go on."""
        calls, unreadable = list[Call](), list[Handover]()
        for each in claimed:
            row = saved[key_of(each)]
            try:
                body = self._bodies.unpacked(each, row["body"])
            except StoreUnavailable as failure:
                unreadable.append(each.held(failure.reason, now))
            else:
                calls.append(Call(each, body, row["traceparent"]))
        return calls, unreadable

    def _row(self, application: Application, new: NewHandover) -> Mapping[str, Any]:
        return {
            **values_of(new.handover),
            "identity": indexable(new.handover.identity),
            "owner": application.tenant,
            "job_id": new.job and new.job.id,
            "job": new.job and self._format.dumped(new.job),
            "traceparent": new.traceparent,
            "raw": new.raw,
            "raw_size": new.raw_size,
            "body_size": len(new.body),
            "body": self._bodies.packed(new.handover, new.body),
        }


async def _due(
    connection: Connection, application: Application, standing: Standing, now: datetime, limit: int
) -> Sequence[Handover]:
    """What is due, in the order of the turns; after a failure, what has not failed yet if any."""
    query = queries.FIND_FIRST if application.order is Order.MAILBOX else queries.FIND_DUE
    values = {**_key(application), "turn": standing.turn, "now": now, "limit": limit}
    found: list[dict[str, Any]] = []
    if standing.health.condition is not Condition.ACTIVE:
        found = await rows(connection, query, {**values, "unfailed": True})
    found = found or await rows(connection, query, {**values, "unfailed": False})
    return [handover_of(row) for row in found]


def _saving_standing(
    application: Application, before: Standing, after: Standing
) -> Sequence[Statement]:
    return [] if after == before else [saving_standing(application, after)]


def _saving_health(
    application: Application, before: Standing, health: Health, now: datetime
) -> Sequence[Statement]:
    """With the event that this is, if it is one."""
    event = event_of_health(application, before.health, health, now)
    saving = _saving_standing(application, before, replace(before, health=health))
    return [*saving, *writing([event] if event else [])]


def _key(application: Application) -> dict[str, Any]:
    return {"owner": application.tenant, "application": application.name}
