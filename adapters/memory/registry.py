from collections.abc import Callable, Sequence
from dataclasses import replace

from adapters.memory.database import InMemoryDatabase
from application.ports import MailboxRegistry
from domain.mailbox import (
    GoogleAccount,
    InvalidMailbox,
    Mailbox,
    MicrosoftAccount,
    MicrosoftCredentials,
    with_credentials,
)


class InMemoryMailboxRegistry(MailboxRegistry):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def add(self, mailbox: Mailbox) -> None:
        others = await self.all()
        async with self._database.transaction(mailbox.tenant) as tables:
            _refuse_taken(mailbox, [*others, *tables.mailboxes.values()])
            tables.mailboxes[mailbox.id] = mailbox

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        return self._database.read(tenant).mailboxes.get(mailbox_id)

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        searched = [self._database.read(tenant)] if tenant else self._database.across_tenants()
        return [tables.mailboxes[name] for tables in searched for name in sorted(tables.mailboxes)]

    async def of_subscription(self, subscription_id: str) -> Mailbox | None:
        return await self._first(lambda mailbox: _subscription(mailbox) == (subscription_id,))

    async def of_push(self, subscription: str, address: str) -> Mailbox | None:
        wanted = (subscription, address.lower())
        return await self._first(lambda mailbox: _subscription(mailbox) == wanted)

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

    async def _first(self, matches: Callable[[Mailbox], bool]) -> Mailbox | None:
        return next((mailbox for mailbox in await self.all() if matches(mailbox)), None)


def _subscription(mailbox: Mailbox) -> tuple[str, ...]:
    """What a notice names, and leads to one mailbox by; nothing for IMAP."""
    match mailbox.account:
        case MicrosoftAccount(subscription_id=subscription):
            return (subscription,)
        case GoogleAccount(subscription=subscription):
            return (subscription, mailbox.address.lower())
        case _:
            return ()


def _refuse_taken(mailbox: Mailbox, others: Sequence[Mailbox]) -> None:
    notified = _subscription(mailbox)
    for other in others:
        if other.tenant == mailbox.tenant and other.id == mailbox.id:
            raise InvalidMailbox("the tenant has a mailbox of that name: choose another")
        if other.tenant == mailbox.tenant and other.address.lower() == mailbox.address.lower():
            raise InvalidMailbox("the tenant has a mailbox of that address already")
        if notified and _subscription(other) == notified:
            raise InvalidMailbox("a mailbox with that subscription exists already")
