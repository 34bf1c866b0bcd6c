"""Folder syncs, one row each, claimed and saved by compare and set: see 0005_receptions.sql,
and 0007_one_sync.sql and those after it for the columns that came later.

Two that claim one row at once wait for each other at the row, and the second finds it claimed. So
no row has to be locked, or skipped, between finding what is due and claiming it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from postroom.adapters.postgres import folder_sync_queries as queries
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.event_rows import write
from postroom.application.ports import FolderSyncs
from postroom.domain.events.of_mailboxes import event_of_sync
from postroom.domain.folder_sync import FolderSync, Mode, Request
from postroom.domain.queue_loss import RELIST_MARGIN, QueueLoss
from postroom.domain.subscription import Subscription
from postroom.domain.sync_rules import HEAD_START

_FOLDER_SYNC = TypeAdapter(FolderSync)
_SUBSCRIPTION = TypeAdapter(Subscription)


class PostgresFolderSyncs(FolderSyncs):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[FolderSync]:
        async with self._database.across_tenants() as connection:
            due = await _rows(
                connection, queries.FIND_DUE, {"now": now, "limit": limit, "head_start": HEAD_START}
            )
        values = {"now": now, "until": now + lease}
        claimed = [await self._one(queries.CLAIM_DUE, key | values) for key in due]
        return [folder_sync for folder_sync in claimed if folder_sync]

    async def claim(
        self, tenant: str, mailbox_id: str, folder: str, now: datetime, lease: timedelta
    ) -> FolderSync | None:
        key = {"tenant": tenant, "mailbox": mailbox_id, "folder": folder}
        return await self._one(queries.CLAIM, key | {"now": now, "until": now + lease})

    async def renew(
        self, folder_sync: FolderSync, now: datetime, lease: timedelta
    ) -> FolderSync | None:
        return await self._one(queries.RENEW, _claimed(folder_sync) | {"until": now + lease})

    async def save(self, folder_sync: FolderSync, *, leased_until: datetime | None = None) -> bool:
        values = {field.name: getattr(folder_sync, field.name) for field in fields(folder_sync)}
        values["mode"] = folder_sync.mode.value
        values["requests"] = [request.value for request in folder_sync.requests]
        if folder_sync.subscription:
            values["subscription"] = Jsonb(
                _SUBSCRIPTION.dump_python(folder_sync.subscription, mode="json")
            )
        async with self._database.transaction(folder_sync.tenant) as connection:
            saved = await _rows(connection, queries.SAVE, values | {"leased_until": leased_until})
            for row in saved:
                if event := event_of_sync(_before(folder_sync, row), folder_sync, row["now"]):
                    await write(connection, [event])
        return len(saved) == 1

    async def release(self, folder_sync: FolderSync) -> bool:
        return await self._change(queries.RELEASE, _claimed(folder_sync)) == 1

    async def move_position(self, folder_sync: FolderSync, position: str, now: datetime) -> bool:
        values = {"position": position, "now": now}
        return await self._change(queries.MOVE_POSITION, _claimed(folder_sync) | values) == 1

    async def move_backfill(
        self, folder_sync: FolderSync, before: datetime | None, after: datetime | None
    ) -> bool:
        values = {"before": before, "after": after}
        return await self._change(queries.MOVE_BACKFILL, _claimed(folder_sync) | values) == 1

    async def note_announced(
        self, tenant: str, mailbox_id: str, folder: str, number: int, now: datetime
    ) -> None:
        key = {"tenant": tenant, "mailbox": mailbox_id, "folder": folder}
        await self._change(queries.NOTE_ANNOUNCED, key | {"number": number, "now": now})

    async def forget_announced(self, folder_sync: FolderSync) -> bool:
        return await self._change(queries.FORGET_ANNOUNCED, _claimed(folder_sync)) == 1

    async def record_reach(self, folder_sync: FolderSync, since: datetime, now: datetime) -> None:
        values = {"since": since, "now": now, "margin": RELIST_MARGIN}
        await self._change(queries.RECORD_REACH, _claimed(folder_sync) | values)

    async def request(
        self,
        tenant: str,
        mailbox_id: str,
        request: Request,
        now: datetime,
        *,
        folder: str | None = None,
    ) -> int:
        values = {"tenant": tenant, "mailbox": mailbox_id, "request": request.value, "now": now}
        if folder is None:
            return await self._change(queries.REQUEST_ALL, values)
        return await self._change(queries.REQUEST, {**values, "folder": folder})

    async def request_by_subscription(
        self, subscription_id: str, request: Request, now: datetime
    ) -> bool:
        async with self._database.across_tenants() as connection:
            found = await _rows(connection, queries.FIND_SUBSCRIBED, [subscription_id])
        values = {"subscription_id": subscription_id, "request": request.value, "now": now}
        noted = [await self._change(queries.REQUEST_BY_SUBSCRIPTION, row | values) for row in found]
        return sum(noted) > 0

    async def request_backfill(
        self,
        tenant: str,
        mailbox_id: str,
        since: datetime,
        now: datetime,
        *,
        dead_before: datetime | None = None,
    ) -> int:
        query = queries.REQUEST_BACKFILL_OF_DEAD if dead_before else queries.REQUEST_BACKFILL
        values = {
            "tenant": tenant,
            "mailbox": mailbox_id,
            "request": Request.SYNC.value,
            "since": since,
            "now": now,
            "dead_before": dead_before,
        }
        return await self._change(query, values)

    async def request_relisting(self, tenant: str, loss: QueueLoss, now: datetime) -> int:
        lanes = {
            mailbox: since.isoformat()
            for (owner, mailbox), since in loss.held.lanes.items()
            if owner == tenant
        }
        values = {
            "tenant": tenant,
            "lanes": Jsonb(lanes),
            "held_since": loss.held.since,
            "margin": RELIST_MARGIN,
            "lost_at": loss.noticed_at,
            "request": Request.SYNC.value,
            "now": now,
        }
        return await self._change(queries.RELIST, values)

    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[FolderSync]:
        database = self._database
        searched = database.transaction(tenant) if tenant else database.across_tenants()
        async with searched as connection:
            rows = await _rows(connection, queries.ALL, {"tenant": tenant, "mailbox": mailbox})
        return [_folder_sync(row) for row in rows]

    async def _one(self, query: str, values: Mapping[str, Any]) -> FolderSync | None:
        """The one that *query* has changed and returns."""
        async with self._database.transaction(values["tenant"]) as connection:
            rows = await _rows(connection, query, values)
        return _folder_sync(rows[0]) if rows else None

    async def _change(self, query: str, values: Mapping[str, Any]) -> int:
        """How many rows *query* has changed."""
        async with self._database.transaction(values["tenant"]) as connection:
            return (await connection.execute(query, values)).rowcount


def _claimed(folder_sync: FolderSync) -> dict[str, Any]:
    """What stands for the claim of *folder_sync*."""
    return {name: getattr(folder_sync, name) for name in ("tenant", "mailbox", "folder", "token")}


def _before(folder_sync: FolderSync, row: Mapping[str, Any]) -> FolderSync:
    """As it was, in what an event is made of."""
    return replace(
        folder_sync,
        mode=Mode(row["mode"]),
        probe_at=row["probe_at"],
        last_error=row["last_error"],
        waiting_since=row["waiting_since"],
    )


def _folder_sync(row: Mapping[str, Any]) -> FolderSync:
    return _FOLDER_SYNC.validate_python(
        {**row, "requests": frozenset(row["requests"]), "token": row["claimed"] or 0}
    )


async def _rows(
    connection: Connection, query: str, values: Mapping[str, Any] | Sequence[Any]
) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
