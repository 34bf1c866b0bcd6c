from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.events import write
from postroom.adapters.memory.folder_sync_row import FolderSyncRow
from postroom.application.ports import FolderSyncs
from postroom.domain.events.of_mailboxes import event_of_sync
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.queue_loss import RELIST_MARGIN, QueueLoss

Key = tuple[str, str]
"""The mailbox and the folder."""


class InMemoryFolderSyncs(FolderSyncs):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[FolderSync]:
        rows = _rows(self._database.across_tenants())
        due = [row.folder_sync for row in rows if row.is_due(now)]
        due.sort(key=lambda folder_sync: folder_sync.urgent_since)
        until = now + lease
        claimed = [
            await self._claim(each.tenant, _key(each), until, lambda row: row.is_due(now))
            for each in due[:limit]
        ]
        return [folder_sync for folder_sync in claimed if folder_sync]

    async def claim(
        self, tenant: str, mailbox_id: str, folder: str, now: datetime, lease: timedelta
    ) -> FolderSync | None:
        return await self._claim(
            tenant,
            (mailbox_id, folder),
            now + lease,
            lambda row: row.is_free(now) and row.may_be_retried(now),
        )

    async def renew(
        self, folder_sync: FolderSync, now: datetime, lease: timedelta
    ) -> FolderSync | None:
        renewed = await self._change(folder_sync, lambda row: row.renew(now + lease))
        return renewed.folder_sync if renewed else None

    async def save(self, folder_sync: FolderSync, *, leased_until: datetime | None = None) -> bool:
        async with self._database.transaction(folder_sync.tenant) as tables:
            row = tables.folder_syncs.get(_key(folder_sync))
            if row is None or row.claimed != folder_sync.token:
                return False
            tables.folder_syncs[_key(folder_sync)] = row.save(folder_sync, leased_until)
            event = event_of_sync(row.folder_sync, folder_sync, self._database.clock.now())
            write(self._database, tables, event)
        return True

    async def release(self, folder_sync: FolderSync) -> bool:
        released = await self._change(folder_sync, lambda row: replace(row, leased_until=None))
        return released is not None

    async def move_position(self, folder_sync: FolderSync, position: str, now: datetime) -> bool:
        def moved(row: FolderSyncRow) -> FolderSyncRow:
            at = replace(row.folder_sync, position=position, position_at=now)
            return replace(row, folder_sync=at)

        return await self._change(folder_sync, moved) is not None

    async def move_backfill(
        self, folder_sync: FolderSync, before: datetime | None, after: datetime | None
    ) -> bool:
        def moved(row: FolderSyncRow) -> FolderSyncRow | None:
            if row.folder_sync.backfill_from != before:
                return None
            return row.move_backfill(after)

        return await self._change(folder_sync, moved) is not None

    async def note_announced(
        self, tenant: str, mailbox_id: str, folder: str, number: int, now: datetime
    ) -> None:
        async with self._database.transaction(tenant) as tables:
            if row := tables.folder_syncs.get((mailbox_id, folder)):
                tables.folder_syncs[mailbox_id, folder] = row.announced(number, now)

    async def forget_announced(self, folder_sync: FolderSync) -> bool:
        return await self._change(folder_sync, lambda row: row.forget_announced()) is not None

    async def record_reach(self, folder_sync: FolderSync, since: datetime, now: datetime) -> None:
        lane = (folder_sync.tenant, folder_sync.mailbox)
        async with self._database.transaction(folder_sync.tenant) as tables:
            if row := tables.folder_syncs.get(_key(folder_sync)):
                held_since = self._database.witness.held_in(lane) - RELIST_MARGIN
                tables.folder_syncs[_key(folder_sync)] = row.reach(since, now, held_since)

    async def request(
        self,
        tenant: str,
        mailbox_id: str,
        request: Request,
        now: datetime,
        *,
        folder: str | None = None,
    ) -> int:
        async with self._database.transaction(tenant) as tables:
            keys = _keys(tables, mailbox_id, folder)
            for key in keys:
                self._request(tables, key, request, now)
        return len(keys)

    async def request_by_subscription(
        self, subscription_id: str, request: Request, now: datetime
    ) -> bool:
        for row in _rows(self._database.across_tenants()):
            found = row.folder_sync
            if found.subscription and found.subscription.id == subscription_id:
                async with self._database.transaction(found.tenant) as tables:
                    if _key(found) in tables.folder_syncs:
                        self._request(tables, _key(found), request, now)
                        return True
        return False

    async def request_backfill(
        self,
        tenant: str,
        mailbox_id: str,
        since: datetime,
        now: datetime,
        *,
        dead_before: datetime | None = None,
    ) -> int:
        async with self._database.transaction(tenant) as tables:
            keys = _keys(tables, mailbox_id, None)
            for key in keys:
                tables.folder_syncs[key] = tables.folder_syncs[key].backfill(since, dead_before)
                self._request(tables, key, Request.SYNC, now)
        return len(keys)

    async def request_relisting(self, tenant: str, loss: QueueLoss, now: datetime) -> int:
        async with self._database.transaction(tenant) as tables:
            for key, row in tables.folder_syncs.items():
                since = loss.held.in_lane((tenant, key[0])) - RELIST_MARGIN
                added_at = tables.mailboxes[key[0]].added_at
                tables.folder_syncs[key] = row.relist(since, added_at, loss.noticed_at)
                self._request(tables, key, Request.SYNC, now)
            return len(tables.folder_syncs)

    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[FolderSync]:
        searched = [self._database.read(tenant)] if tenant else self._database.across_tenants()
        folder_syncs = [row.folder_sync for row in _rows(searched)]
        return [each for each in folder_syncs if mailbox in ("", each.mailbox)]

    async def _claim(
        self, tenant: str, key: Key, until: datetime, may_be: Callable[[FolderSyncRow], bool]
    ) -> FolderSync | None:
        async with self._database.transaction(tenant) as tables:
            row = tables.folder_syncs.get(key)
            if row is None or not may_be(row):
                return None
            row = tables.folder_syncs[key] = row.claim(until, self._database.next_version())
        return row.folder_sync

    async def _change(
        self, claimed: FolderSync, change: Callable[[FolderSyncRow], FolderSyncRow | None]
    ) -> FolderSyncRow | None:
        """The row with its *change*, or None if somebody else has *claimed* it since."""
        async with self._database.transaction(claimed.tenant) as tables:
            row = tables.folder_syncs.get(_key(claimed))
            changed = change(row) if row and row.claimed == claimed.token else None
            if changed:
                tables.folder_syncs[_key(claimed)] = changed
        return changed

    def _request(self, tables: Tables, key: Key, request: Request, now: datetime) -> None:
        row, version = tables.folder_syncs[key], self._database.next_version()
        tables.folder_syncs[key] = row.request(request, now, version)


def _rows(searched: Sequence[Tables]) -> Sequence[FolderSyncRow]:
    return [tables.folder_syncs[key] for tables in searched for key in sorted(tables.folder_syncs)]


def _keys(tables: Tables, mailbox_id: str, folder: str | None) -> Sequence[Key]:
    return [key for key in tables.folder_syncs if key[0] == mailbox_id and folder in (None, key[1])]


def _key(folder_sync: FolderSync) -> Key:
    return folder_sync.mailbox, folder_sync.folder
