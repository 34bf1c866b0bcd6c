"""Handovers, to be looked up, and moved by a person."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Json

from postroom.adapters.postgres import handover_record_queries as queries
from postroom.adapters.postgres.application_health import lock_standing
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.event_rows import write
from postroom.adapters.postgres.handover_bodies import Bodies
from postroom.adapters.postgres.handover_rows import (
    handover_of,
    handovers_of,
    key_of,
    locking,
    save,
)
from postroom.adapters.postgres.jobs import JobFormat
from postroom.adapters.postgres.rows import moment, rows
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import (
    SHORTEST_HEAD,
    HandoverFilter,
    HandoverRecord,
    HandoverRecords,
)
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.events.of_messages import event_of_end
from postroom.domain.handover.application import Application
from postroom.domain.handover.ending import DISCARDED
from postroom.domain.handover.handover import State
from postroom.domain.outcome import name_of
from postroom.domain.pointer import Pointer


class PostgresHandoverRecords(HandoverRecords):
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

    async def find(
        self, chosen: HandoverFilter, *, limit: int = 100, after: str = ""
    ) -> Sequence[HandoverRecord]:
        values = {
            **asdict(chosen),
            "identity": indexable(chosen.identity),
            "states": [state.value for state in chosen.states],
            "limit": limit,
            "after": after,
        }
        async with self._of(chosen.tenant) as connection:
            found = await rows(connection, queries.find(chosen, after), values)
        return [self._record(row) for row in found]

    async def get(
        self, key: str, *, tenant: str = "", application: str = ""
    ) -> HandoverRecord | None:
        values = {"key": key, "tenant": tenant, "application": application}
        by_key = queries.by_key(tenant, application)
        async with self._of(tenant) as connection:
            found = await rows(connection, by_key, values)
            if not found and len(key) >= SHORTEST_HEAD:
                with_head = queries.keys_with_head(tenant, application)
                keys = await rows(connection, with_head, values)
                if len(keys) == 1:
                    found = await rows(connection, by_key, values | keys[0])
        return self._record(found[0]) if found else None

    async def dead(
        self, chosen: DeadLetterFilter, *, before: datetime | None, limit: int
    ) -> Sequence[HandoverRecord]:
        values = {
            "tenant": chosen.tenant,
            "mailbox": chosen.mailbox,
            "before": before,
            "limit": limit,
        }
        query = queries.dead(chosen, before)
        async with self._of(chosen.tenant) as connection:
            found = await rows(connection, query, values)
        return [self._record(row) for row in found]

    async def body(self, record: HandoverRecord) -> bytes | None:
        handover = record.handover
        key = {name: getattr(handover, name) for name in ("tenant", "key", "application")}
        async with self._database.transaction(handover.tenant) as connection:
            found = await rows(connection, queries.BODY, key)
        return self._bodies.unpacked(handover, found[0]["body"]) if found else None

    async def move(self, record: HandoverRecord, to: State, reason: str) -> bool:
        before = record.handover
        async with self._database.transaction(before.tenant) as connection:
            stored = await rows(connection, *locking(before.application, [before]))
            if handovers_of(stored).get(key_of(before)) != before:
                return False
            now = await moment(connection)
            moved = before.moved(to, reason, now)
            await save(connection, before.application, [moved], {}, now)
        return True

    async def discard(self, application: Application) -> int:
        async with self._database.across_tenants() as connection:
            locked = await lock_standing(connection, application)  # nobody settles what is deleted
            values = {
                "owner": application.tenant,
                "application": application.name,
                "outcome": name_of(DISCARDED),
                "detail": Json(asdict(DISCARDED)),
                "now": locked.now,
            }
            discarded = await rows(connection, queries.DISCARD, values)
            of_messages = [row for row in discarded if row["job_id"]]
            await write(
                connection,
                [
                    event_of_end(handover_of(row), DISCARDED, locked.now, job_id=row["job_id"])
                    for row in of_messages
                ],
            )
        return len(discarded)

    async def expired(self, *, limit: int, default: timedelta) -> int:
        values = {"limit": limit, "default": default}
        async with self._database.across_tenants() as connection:
            return (await connection.execute(queries.EXPIRE, values)).rowcount

    def _of(self, tenant: str) -> AbstractAsyncContextManager[Connection]:
        database = self._database
        return database.transaction(tenant) if tenant else database.across_tenants()

    def _record(self, row: Mapping[str, Any]) -> HandoverRecord:
        return HandoverRecord(
            handover=handover_of(row),
            job=self._format.job(row["job"]) if row["job"] else None,
            raw=row["raw"],
            raw_size=row["raw_size"],
            body_size=row["body_size"],
            last_answer=row["last_answer"],
        )
