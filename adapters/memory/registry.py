from collections.abc import Sequence
from dataclasses import replace

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.events import write
from postroom.adapters.memory.folder_sync_row import FolderSyncRow
from postroom.application.ports import MailboxRegistry
from postroom.domain.access import NO_FAILURES, AccessTally
from postroom.domain.account import Account, UnreadableAccount
from postroom.domain.events.of_mailboxes import event_of_pause, event_of_resumption
from postroom.domain.failure import AccessFailed
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import InvalidMailbox, Mailbox, Pause, PausedBy


class InMemoryMailboxRegistry(MailboxRegistry):
    """A mailbox that is added with an `UnreadableAccount` is as one whose account is unreadable."""

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def add(self, mailbox: Mailbox) -> None:
        others = await self.all()
        async with self._database.transaction(mailbox.tenant) as tables:
            _refuse_existing(mailbox, [*others, *tables.mailboxes.values()])
            _forget(tables, mailbox.id)
            tables.mailboxes[mailbox.id] = mailbox
            for folder in mailbox.account.folders:
                tables.folder_syncs[mailbox.id, folder] = self._row(mailbox, folder)

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
            write(self._database, tables, event_of_pause(tenant, mailbox_id, pause))
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
                    tables.folder_syncs[key] = self._woken(row, pause)
            event = event_of_resumption(tenant, mailbox_id, pause, self._database.clock.now())
            write(self._database, tables, event)
        return True

    def _woken(self, row: FolderSyncRow, pause: Pause) -> FolderSyncRow:
        """Due since the pause began: at once, whatever the time is now and it has failed of."""
        at_once = replace(row, folder_sync=replace(row.folder_sync, retry_at=None))
        return at_once.request(Request.SYNC, pause.since, self._database.next_version())

    async def save_access(self, mailbox: Mailbox, access: AccessTally) -> None:
        async with self._database.transaction(mailbox.tenant) as tables:
            if stored := tables.mailboxes.get(mailbox.id):
                tables.mailboxes[mailbox.id] = replace(stored, access=access)

    async def set_application(self, tenant: str, mailbox_id: str, name: str) -> bool:
        async with self._database.transaction(tenant) as tables:
            stored = tables.mailboxes.get(mailbox_id)
            if stored:
                tables.mailboxes[mailbox_id] = replace(stored, application=name)
        return stored is not None

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        found = self._database.read(tenant).mailboxes.get(mailbox_id)
        if found and isinstance(found.account, UnreadableAccount):
            raise AccessFailed(found.account.reason)
        return found

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        searched = [self._database.read(tenant)] if tenant else self._database.across_tenants()
        return [tables.mailboxes[name] for tables in searched for name in sorted(tables.mailboxes)]

    async def replace_account(self, mailbox: Mailbox, account: Account) -> bool:
        if isinstance(account, UnreadableAccount):
            raise AccessFailed(account.reason)
        others = [each for each in await self.all() if _key(each) != _key(mailbox)]
        async with self._database.transaction(mailbox.tenant) as tables:
            stored = tables.mailboxes.get(mailbox.id)
            if stored and isinstance(stored.account, UnreadableAccount):
                raise AccessFailed(stored.account.reason)
            if stored is None or stored.account != mailbox.account:
                return False
            replaced = replace(stored, account=account)
            _refuse_taken_route(replaced, others)
            tables.mailboxes[mailbox.id] = replaced
        return True

    def _row(self, mailbox: Mailbox, folder: str) -> FolderSyncRow:
        folder_sync = FolderSync(
            tenant=mailbox.tenant, mailbox=mailbox.id, folder=folder, due_at=mailbox.added_at
        )
        return FolderSyncRow(folder_sync, self._database.next_version())


def _forget(tables: Tables, mailbox_id: str) -> None:
    """The folder syncs of the mailbox."""
    for key in [key for key in tables.folder_syncs if key[0] == mailbox_id]:
        del tables.folder_syncs[key]


def _refuse_existing(mailbox: Mailbox, others: Sequence[Mailbox]) -> None:
    for other in others:
        if _key(other) == _key(mailbox):
            raise InvalidMailbox("the tenant has a mailbox of that name: choose another")
        if other.tenant == mailbox.tenant and other.address.lower() == mailbox.address.lower():
            raise InvalidMailbox("the tenant has a mailbox of that address already")
    _refuse_taken_route(mailbox, others)


def _refuse_taken_route(mailbox: Mailbox, others: Sequence[Mailbox]) -> None:
    route = _route(mailbox)
    if route and route in map(_route, others):
        raise InvalidMailbox("a mailbox that gets the same notifications exists already")


def _route(mailbox: Mailbox) -> tuple[str, str] | None:
    route = mailbox.account.route(mailbox.address)
    return (mailbox.provider, route) if route else None


def _key(mailbox: Mailbox) -> tuple[str, str]:
    return mailbox.tenant, mailbox.id
