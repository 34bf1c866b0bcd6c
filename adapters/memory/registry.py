from collections.abc import Sequence
from dataclasses import replace

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.folder_sync_row import FolderSyncRow
from postroom.application.ports import MailboxRegistry
from postroom.domain.access import NO_FAILURES, AccessTally
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import (
    GoogleAccount,
    InvalidMailbox,
    Mailbox,
    MicrosoftCredentials,
    Pause,
    PausedBy,
    folders_of,
    with_credentials,
)


class InMemoryMailboxRegistry(MailboxRegistry):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def add(self, mailbox: Mailbox) -> None:
        others = await self.all()
        async with self._database.transaction(mailbox.tenant) as tables:
            _refuse_taken(mailbox, [*others, *tables.mailboxes.values()])
            _forget(tables, mailbox.id)
            tables.mailboxes[mailbox.id] = mailbox
            for folder in folders_of(mailbox.account):
                folder_sync = self._folder_sync(mailbox, folder)
                tables.folder_syncs[mailbox.id, folder] = FolderSyncRow(folder_sync)

    async def remove(self, tenant: str, mailbox_id: str) -> bool:
        async with self._database.transaction(tenant) as tables:
            _forget(tables, mailbox_id)
            return tables.mailboxes.pop(mailbox_id, None) is not None

    async def pause(self, tenant: str, mailbox_id: str, pause: Pause) -> bool:
        async with self._database.transaction(tenant) as tables:
            mailbox = tables.mailboxes.get(mailbox_id)
            if mailbox is None or (mailbox.paused and pause.by is not PausedBy.OPERATOR):
                return False
            tables.mailboxes[mailbox_id] = replace(mailbox, paused=pause)
        return True

    async def resume(
        self, tenant: str, mailbox_id: str, *, paused_by: PausedBy | None = None
    ) -> bool:
        async with self._database.transaction(tenant) as tables:
            mailbox = tables.mailboxes.get(mailbox_id)
            pause = mailbox.paused if mailbox else None
            if mailbox is None or pause is None or paused_by not in (None, pause.by):
                return False
            tables.mailboxes[mailbox_id] = replace(mailbox, paused=None, access=NO_FAILURES)
            for key, row in tables.folder_syncs.items():
                if key[0] == mailbox_id:
                    version = self._database.next_version()
                    # Due since the pause began: at once, whatever the time is now.
                    tables.folder_syncs[key] = row.request(Request.SYNC, pause.since, version)
        return True

    async def save_access(self, mailbox: Mailbox, access: AccessTally) -> None:
        async with self._database.transaction(mailbox.tenant) as tables:
            if stored := tables.mailboxes.get(mailbox.id):
                tables.mailboxes[mailbox.id] = replace(stored, access=access)

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        return self._database.read(tenant).mailboxes.get(mailbox_id)

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        searched = [self._database.read(tenant)] if tenant else self._database.across_tenants()
        return [tables.mailboxes[name] for tables in searched for name in sorted(tables.mailboxes)]

    async def of_push(self, subscription: str, address: str) -> Mailbox | None:
        wanted = (subscription, address.lower())
        return next((mailbox for mailbox in await self.all() if _push(mailbox) == wanted), None)

    async def replace_credentials(
        self, mailbox: Mailbox, credentials: MicrosoftCredentials
    ) -> bool:
        async with self._database.transaction(mailbox.tenant) as tables:
            stored = tables.mailboxes.get(mailbox.id)
            account = with_credentials(stored, mailbox, credentials)
            if stored is None or account is None:
                return False
            tables.mailboxes[mailbox.id] = replace(stored, account=account)
        return True

    def _folder_sync(self, mailbox: Mailbox, folder: str) -> FolderSync:
        return FolderSync(
            tenant=mailbox.tenant,
            mailbox=mailbox.id,
            folder=folder,
            due_at=mailbox.added_at,
            version=self._database.next_version(),
        )


def _forget(tables: Tables, mailbox_id: str) -> None:
    """The folder_syncs of the mailbox, and its cursors, one that came in after its end included."""
    for table in (tables.folder_syncs, tables.cursors):
        for key in [key for key in table if key[0] == mailbox_id]:
            del table[key]


def _push(mailbox: Mailbox) -> tuple[str, str] | None:
    """What a Gmail notification names, and leads to one mailbox by."""
    account = mailbox.account
    if isinstance(account, GoogleAccount):
        return account.pubsub_subscription, mailbox.address.lower()
    return None


def _refuse_taken(mailbox: Mailbox, others: Sequence[Mailbox]) -> None:
    push = _push(mailbox)
    for other in others:
        if other.tenant == mailbox.tenant and other.id == mailbox.id:
            raise InvalidMailbox("the tenant has a mailbox of that name: choose another")
        if other.tenant == mailbox.tenant and other.address.lower() == mailbox.address.lower():
            raise InvalidMailbox("the tenant has a mailbox of that address already")
        if push and _push(other) == push:
            raise InvalidMailbox("a mailbox with that subscription exists already")
