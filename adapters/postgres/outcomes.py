"""Outcomes, one row each, and only ever added to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, get_args

from psycopg.rows import dict_row
from psycopg.types.json import Json
from pydantic import TypeAdapter

from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.event_rows import NEW, WRITE_IF_WANTED, values_of
from postroom.adapters.postgres.jobs import JobFormat
from postroom.adapters.postgres.text import indexable
from postroom.application.ports import OutcomeRecord, Outcomes
from postroom.domain.outcome import SHADOW, Final, name_of
from postroom.domain.pointer import Pointer

_FINAL: dict[str, TypeAdapter[Final]] = {
    kind.__name__.lower(): TypeAdapter(kind) for kind in get_args(Final)
}

_RECORD = """
INSERT INTO outcome (tenant, mailbox, job_id, identity, outcome, detail, attempt, at, job)
VALUES (%(tenant)s, %(mailbox)s, %(job_id)s, %(identity)s, %(outcome)s, %(detail)s, %(attempt)s,
        %(at)s, %(job)s)
"""
_RECORD_WITH_EVENT = f"WITH new AS ({NEW}), recorded AS ({_RECORD}) {WRITE_IF_WANTED}"
"""One statement: an installation without subscribers sends none for them."""

_FIND = """
SELECT identity, outcome, detail, attempt, at, job FROM outcome
WHERE tenant = %(tenant)s{conditions} ORDER BY at DESC, id DESC LIMIT %(limit)s
"""

_KNOWN = """
SELECT DISTINCT job_id FROM outcome
WHERE tenant = %(tenant)s AND job_id = ANY(%(job_ids)s)
    AND (outcome <> 'skipped' OR detail ->> 'reason' = %(shadow)s)
    AND NOT (outcome = 'dead' AND at < coalesce(%(dead_before)s, '-infinity'::timestamptz))
"""

_IN_SHADOW = """
SELECT identity, outcome, detail, attempt, at, job FROM outcome
WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND at >= %(since)s AND job_id > %(after)s
    AND outcome = 'skipped' AND detail ->> 'reason' = %(shadow)s AND NOT EXISTS (
        SELECT FROM outcome AS later
        WHERE later.tenant = outcome.tenant AND later.job_id = outcome.job_id
            AND later.id > outcome.id
    )
ORDER BY job_id LIMIT %(limit)s
"""


class PostgresOutcomes(Outcomes):
    """*pointers* are the types of the pointers that this release knows, by provider."""

    def __init__(self, database: Database, pointers: Mapping[str, type[Pointer]]) -> None:
        self._database = database
        self._format = JobFormat(pointers)

    async def record(self, record: OutcomeRecord) -> None:
        job, outcome, event = record.job, record.outcome, record.event
        values = {
            "tenant": job.tenant,
            "mailbox": job.mailbox,
            "job_id": job.id,
            "identity": indexable(record.identity),
            "outcome": name_of(outcome),
            "detail": Json(asdict(outcome)),
            "attempt": record.attempt,
            "at": record.at,
            "job": self._format.dumped(job),
            **(values_of(event) if event else {}),
        }
        query = _RECORD_WITH_EVENT if event else _RECORD
        async with self._database.transaction(job.tenant) as connection:
            await connection.execute(query, values)

    async def find(
        self,
        tenant: str,
        *,
        mailbox: str = "",
        identity: str = "",
        job_id: str = "",
        limit: int = 100,
    ) -> Sequence[OutcomeRecord]:
        wanted = {"mailbox": mailbox, "identity": indexable(identity), "job_id": job_id}
        conditions = "".join(f" AND {name} = %({name})s" for name, value in wanted.items() if value)
        async with (
            self._database.transaction(tenant) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(
                _FIND.format(conditions=conditions), {**wanted, "tenant": tenant, "limit": limit}
            )
            return [self._record(row) async for row in cursor]

    async def known(
        self, tenant: str, job_ids: Sequence[str], *, dead_before: datetime | None = None
    ) -> frozenset[str]:
        values = {
            "tenant": tenant,
            "job_ids": list(job_ids),
            "dead_before": dead_before,
            "shadow": SHADOW,
        }
        async with self._database.transaction(tenant) as connection:
            rows = await connection.execute(_KNOWN, values)
            return frozenset([job_id for (job_id,) in await rows.fetchall()])

    async def in_shadow(
        self, tenant: str, mailbox: str, since: datetime, *, after: str = "", limit: int = 1000
    ) -> Sequence[OutcomeRecord]:
        values = {
            "tenant": tenant,
            "mailbox": mailbox,
            "since": since,
            "after": after,
            "limit": limit,
            "shadow": SHADOW,
        }
        async with (
            self._database.transaction(tenant) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(_IN_SHADOW, values)
            return [self._record(row) async for row in cursor]

    def _record(self, row: Mapping[str, Any]) -> OutcomeRecord:
        return OutcomeRecord(
            job=self._format.job(row["job"]),
            outcome=_FINAL[row["outcome"]].validate_python(_of_today(row["detail"])),
            attempt=row["attempt"],
            at=row["at"],
            identity=row["identity"],
        )


def _of_today(detail: dict[str, Any]) -> dict[str, Any]:
    """Releases before 0.1 called the effect of a completed message its `way`."""
    return {"effect" if name == "way" else name: value for name, value in detail.items()}
