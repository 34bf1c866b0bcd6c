"""Receptions, one row each, taken and saved by compare and set: see 0005_receptions.sql."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.application.ports import Receptions, Subscriber
from postroom.domain.reception import Reception, Request, Subscription

_RECEPTION = TypeAdapter(Reception)
_SUBSCRIPTION = TypeAdapter(Subscription)

_ALL = """
SELECT * FROM reception
WHERE %(tenant)s IN ('', tenant) AND %(mailbox)s IN ('', mailbox)
ORDER BY tenant, mailbox, folder COLLATE "C"
"""

_FIND_READY = """
SELECT tenant, mailbox, folder FROM reception
WHERE due_at <= %(now)s AND (held_until IS NULL OR held_until <= %(now)s)
ORDER BY due_at, tenant, mailbox, folder LIMIT %(limit)s
"""

_TAKE = """
UPDATE reception SET version = version + 1, taken = version + 1, held_until = %(until)s
WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND folder = %(folder)s
  AND due_at <= %(now)s AND (held_until IS NULL OR held_until <= %(now)s)
RETURNING *
"""

_SAVE = """
UPDATE reception SET
    due_at = CASE WHEN version = taken THEN %(due_at)s ELSE due_at END,
    held_until = NULL,
    mode = %(mode)s,
    why = %(why)s,
    silent_looks = %(silent_looks)s,
    refusals = %(refusals)s,
    probe_at = %(probe_at)s,
    subscription = %(subscription)s,
    reconciled_at = %(reconciled_at)s,
    trouble = %(trouble)s,
    requests = (SELECT coalesce(jsonb_object_agg(key, value), '{}')
                FROM jsonb_each(requests)
                WHERE value::bigint > taken OR key = ANY(%(requests)s::text[]))
WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND folder = %(folder)s
  AND taken = %(version)s
"""

_FIND_SUBSCRIBED = "SELECT tenant FROM reception WHERE subscription ->> 'id' = %s"

_NOTE_REQUEST = """
UPDATE reception SET
    version = version + 1,
    requests = requests || jsonb_build_object(%(request)s::text, version + 1),
    due_at = least(due_at, %(now)s)
WHERE tenant = %(tenant)s"""
_REQUEST = f"{_NOTE_REQUEST} AND subscription ->> 'id' = %(subscription_id)s"
_REQUEST_ALL = f"{_NOTE_REQUEST} AND mailbox = %(mailbox)s"

_SUBSCRIBERS = """
SELECT mailbox.tenant, mailbox.id, account ->> 'provider' AS provider, folder,
       subscription ->> 'secret_digest' AS secret_digest,
       coalesce(account ->> 'client_id', '') AS application,
       paused_by IS NOT NULL AS is_paused,
       subscription ->> 'id' AS subscription_id
FROM reception JOIN mailbox ON mailbox.tenant = reception.tenant AND mailbox.id = reception.mailbox
WHERE subscription ->> 'id' = ANY(%s)
"""


class PostgresReceptions(Receptions):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_due(self, now: datetime, limit: int, hold: timedelta) -> Sequence[Reception]:
        async with self._database.across_tenants() as connection:
            ready = await _rows(connection, _FIND_READY, {"now": now, "limit": limit})
        taken = []
        for key in ready:
            async with self._database.transaction(key["tenant"]) as connection:
                taken += await _rows(connection, _TAKE, {**key, "now": now, "until": now + hold})
        return [_reception(row) for row in taken]

    async def save(self, reception: Reception) -> bool:
        values = {field.name: getattr(reception, field.name) for field in fields(reception)}
        values["mode"] = reception.mode.value
        values["requests"] = [request.value for request in reception.requests]
        if reception.subscription:
            values["subscription"] = Jsonb(
                _SUBSCRIPTION.dump_python(reception.subscription, mode="json")
            )
        async with self._database.transaction(reception.tenant) as connection:
            saved = await connection.execute(_SAVE, values)
        return saved.rowcount == 1

    async def request(self, subscription_id: str, request: Request, now: datetime) -> bool:
        async with self._database.across_tenants() as connection:
            rows = await connection.execute(_FIND_SUBSCRIBED, [subscription_id])
            found = await rows.fetchone()
        if found is None:
            return False
        [tenant] = found
        values = {"tenant": tenant, "subscription_id": subscription_id, "request": request.value}
        async with self._database.transaction(tenant) as connection:
            noted = await connection.execute(_REQUEST, {**values, "now": now})
        return noted.rowcount == 1

    async def request_all(
        self, tenant: str, mailbox_id: str, request: Request, now: datetime
    ) -> int:
        values = {"tenant": tenant, "mailbox": mailbox_id, "request": request.value, "now": now}
        async with self._database.transaction(tenant) as connection:
            return (await connection.execute(_REQUEST_ALL, values)).rowcount

    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[Reception]:
        database = self._database
        searched = database.transaction(tenant) if tenant else database.across_tenants()
        async with searched as connection:
            rows = await _rows(connection, _ALL, {"tenant": tenant, "mailbox": mailbox})
        return [_reception(row) for row in rows]

    async def subscribers(self, subscription_ids: Sequence[str]) -> Mapping[str, Subscriber]:
        async with self._database.across_tenants() as connection:
            rows = await _rows(connection, _SUBSCRIBERS, [list(subscription_ids)])
        return {row.pop("subscription_id"): Subscriber(**row) for row in rows}


def _reception(row: dict[str, Any]) -> Reception:
    return _RECEPTION.validate_python(row | {"requests": frozenset(row["requests"])})


async def _rows(
    connection: Connection, query: str, values: Mapping[str, Any] | Sequence[Any]
) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
