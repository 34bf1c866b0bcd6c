"""FolderSyncs, one row each, claimed and saved by compare and set: see 0005_receptions.sql."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.application.ports import FolderSyncs, SubscribedFolder
from postroom.domain.folder_sync import FolderSync, Request, Subscription

_FOLDER_SYNC = TypeAdapter(FolderSync)
_SUBSCRIPTION = TypeAdapter(Subscription)

_ALL = """
SELECT * FROM folder_sync
WHERE %(tenant)s IN ('', tenant) AND %(mailbox)s IN ('', mailbox)
ORDER BY tenant, mailbox, folder COLLATE "C"
"""

_FIND_READY = """
SELECT tenant, mailbox, folder FROM folder_sync
WHERE due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
ORDER BY due_at, tenant, mailbox, folder LIMIT %(limit)s
"""

_CLAIM = """
UPDATE folder_sync SET version = version + 1, claimed = version + 1, leased_until = %(until)s
WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND folder = %(folder)s
  AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
RETURNING *
"""

_SAVE = """
UPDATE folder_sync SET
    due_at = CASE WHEN version = claimed THEN %(due_at)s ELSE due_at END,
    leased_until = NULL,
    mode = %(mode)s,
    polling_reason = %(polling_reason)s,
    missed_runs = %(missed_runs)s,
    refusals = %(refusals)s,
    probe_at = %(probe_at)s,
    subscription = %(subscription)s,
    synced_at = %(synced_at)s,
    last_error = %(last_error)s,
    requests = (SELECT coalesce(jsonb_object_agg(key, value), '{}')
                FROM jsonb_each(requests)
                WHERE value::bigint > claimed OR key = ANY(%(requests)s::text[]))
WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND folder = %(folder)s
  AND claimed = %(version)s
"""

_FIND_SUBSCRIBED = "SELECT tenant FROM folder_sync WHERE subscription ->> 'id' = %s"

_NOTE_REQUEST = """
UPDATE folder_sync SET
    version = version + 1,
    requests = requests || jsonb_build_object(%(request)s::text, version + 1),
    due_at = least(due_at, %(now)s)
WHERE tenant = %(tenant)s"""
_REQUEST = f"{_NOTE_REQUEST} AND subscription ->> 'id' = %(subscription_id)s"
_REQUEST_ALL = f"{_NOTE_REQUEST} AND mailbox = %(mailbox)s"

_SUBSCRIBED_FOLDERS = """
SELECT mailbox.tenant, mailbox.id, account ->> 'provider' AS provider, folder,
       subscription ->> 'secret_digest' AS secret_digest,
       coalesce(account ->> 'client_id', '') AS application,
       paused_by IS NOT NULL AS is_paused,
       subscription ->> 'id' AS subscription_id
FROM folder_sync JOIN mailbox ON mailbox.tenant = folder_sync.tenant AND mailbox.id =
folder_sync.mailbox WHERE subscription ->> 'id' = ANY(%s)
"""


class PostgresFolderSyncs(FolderSyncs):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[FolderSync]:
        async with self._database.across_tenants() as connection:
            ready = await _rows(connection, _FIND_READY, {"now": now, "limit": limit})
        claimed = []
        for key in ready:
            async with self._database.transaction(key["tenant"]) as connection:
                claimed += await _rows(
                    connection, _CLAIM, {**key, "now": now, "until": now + lease}
                )
        return [_folder_sync(row) for row in claimed]

    async def save(self, folder_sync: FolderSync) -> bool:
        values = {field.name: getattr(folder_sync, field.name) for field in fields(folder_sync)}
        values["mode"] = folder_sync.mode.value
        values["requests"] = [request.value for request in folder_sync.requests]
        if folder_sync.subscription:
            values["subscription"] = Jsonb(
                _SUBSCRIPTION.dump_python(folder_sync.subscription, mode="json")
            )
        async with self._database.transaction(folder_sync.tenant) as connection:
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

    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[FolderSync]:
        database = self._database
        searched = database.transaction(tenant) if tenant else database.across_tenants()
        async with searched as connection:
            rows = await _rows(connection, _ALL, {"tenant": tenant, "mailbox": mailbox})
        return [_folder_sync(row) for row in rows]

    async def subscribed_folders(
        self, subscription_ids: Sequence[str]
    ) -> Mapping[str, SubscribedFolder]:
        async with self._database.across_tenants() as connection:
            rows = await _rows(connection, _SUBSCRIBED_FOLDERS, [list(subscription_ids)])
        return {row.pop("subscription_id"): SubscribedFolder(**row) for row in rows}


def _folder_sync(row: dict[str, Any]) -> FolderSync:
    return _FOLDER_SYNC.validate_python(row | {"requests": frozenset(row["requests"])})


async def _rows(
    connection: Connection, query: str, values: Mapping[str, Any] | Sequence[Any]
) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
