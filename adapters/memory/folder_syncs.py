from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.folder_sync_row import FolderSyncRow
from postroom.application.ports import FolderSyncs, SubscribedFolder
from postroom.domain.folder_sync import FolderSync, Request, Subscription
from postroom.domain.mailbox import MicrosoftAccount


class InMemoryFolderSyncs(FolderSyncs):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[FolderSync]:
        rows = _rows(self._database.across_tenants())
        ready = [row.folder_sync for row in rows if row.is_ready(now)]
        ready.sort(key=lambda folder_sync: folder_sync.due_at)
        claimed = [await self._take(folder_sync, now, lease) for folder_sync in ready[:limit]]
        return [folder_sync for folder_sync in claimed if folder_sync]

    async def save(self, folder_sync: FolderSync) -> bool:
        async with self._database.transaction(folder_sync.tenant) as tables:
            row = tables.folder_syncs.get(_key(folder_sync))
            if row is None or row.claimed != folder_sync.version:
                return False
            tables.folder_syncs[_key(folder_sync)] = row.save(folder_sync)
        return True

    async def request(self, subscription_id: str, request: Request, now: datetime) -> bool:
        for found, _ in self._subscribed([subscription_id]):
            async with self._database.transaction(found.tenant) as tables:
                if row := tables.folder_syncs.get(_key(found)):
                    version = self._database.next_version()
                    tables.folder_syncs[_key(found)] = row.request(request, now, version)
                    return True
        return False

    async def request_all(
        self, tenant: str, mailbox_id: str, request: Request, now: datetime
    ) -> int:
        async with self._database.transaction(tenant) as tables:
            keys = [key for key in tables.folder_syncs if key[0] == mailbox_id]
            for key in keys:
                row, version = tables.folder_syncs[key], self._database.next_version()
                tables.folder_syncs[key] = row.request(request, now, version)
        return len(keys)

    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[FolderSync]:
        searched = [self._database.read(tenant)] if tenant else self._database.across_tenants()
        folder_syncs = [row.folder_sync for row in _rows(searched)]
        return [each for each in folder_syncs if mailbox in ("", each.mailbox)]

    async def subscribed_folders(
        self, subscription_ids: Sequence[str]
    ) -> Mapping[str, SubscribedFolder]:
        return {
            subscription.id: self._subscribed_folder(folder_sync, subscription)
            for folder_sync, subscription in self._subscribed(subscription_ids)
        }

    async def _take(self, found: FolderSync, now: datetime, lease: timedelta) -> FolderSync | None:
        """None if it is not ready any more: somebody else has claimed it since it was found."""
        async with self._database.transaction(found.tenant) as tables:
            row = tables.folder_syncs.get(_key(found))
            if row is None or not row.is_ready(now):
                return None
            row = row.take(now + lease, self._database.next_version())
            tables.folder_syncs[_key(found)] = row
        return row.folder_sync

    def _subscribed(self, ids: Sequence[str]) -> Sequence[tuple[FolderSync, Subscription]]:
        folder_syncs = [row.folder_sync for row in _rows(self._database.across_tenants())]
        return [
            (folder_sync, folder_sync.subscription)
            for folder_sync in folder_syncs
            if folder_sync.subscription and folder_sync.subscription.id in ids
        ]

    def _subscribed_folder(
        self, folder_sync: FolderSync, subscription: Subscription
    ) -> SubscribedFolder:
        mailbox = self._database.read(folder_sync.tenant).mailboxes[folder_sync.mailbox]
        account = mailbox.account
        return SubscribedFolder(
            tenant=mailbox.tenant,
            id=mailbox.id,
            provider=mailbox.provider,
            folder=folder_sync.folder,
            secret_digest=subscription.secret_digest,
            application=account.client_id if isinstance(account, MicrosoftAccount) else "",
            is_paused=mailbox.paused is not None,
        )


def _rows(searched: Sequence[Tables]) -> Sequence[FolderSyncRow]:
    return [tables.folder_syncs[key] for tables in searched for key in sorted(tables.folder_syncs)]


def _key(folder_sync: FolderSync) -> tuple[str, str]:
    return folder_sync.mailbox, folder_sync.folder
