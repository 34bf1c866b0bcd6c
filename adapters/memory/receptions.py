from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.adapters.memory.reception_row import ReceptionRow
from postroom.application.ports import Receptions, Subscriber
from postroom.domain.mailbox import MicrosoftAccount
from postroom.domain.reception import Reception, Request, Subscription


class InMemoryReceptions(Receptions):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def take_due(self, now: datetime, limit: int, hold: timedelta) -> Sequence[Reception]:
        rows = _rows(self._database.across_tenants())
        ready = [row.reception for row in rows if row.is_ready(now)]
        ready.sort(key=lambda reception: reception.due_at)
        taken = [await self._take(reception, now, hold) for reception in ready[:limit]]
        return [reception for reception in taken if reception]

    async def save(self, reception: Reception) -> bool:
        async with self._database.transaction(reception.tenant) as tables:
            row = tables.receptions.get(_key(reception))
            if row is None or row.taken != reception.version:
                return False
            tables.receptions[_key(reception)] = row.save(reception)
        return True

    async def request(self, subscription_id: str, request: Request, now: datetime) -> bool:
        for found, _ in self._subscribed([subscription_id]):
            async with self._database.transaction(found.tenant) as tables:
                if row := tables.receptions.get(_key(found)):
                    version = self._database.next_version()
                    tables.receptions[_key(found)] = row.request(request, now, version)
                    return True
        return False

    async def request_all(
        self, tenant: str, mailbox_id: str, request: Request, now: datetime
    ) -> int:
        async with self._database.transaction(tenant) as tables:
            keys = [key for key in tables.receptions if key[0] == mailbox_id]
            for key in keys:
                row, version = tables.receptions[key], self._database.next_version()
                tables.receptions[key] = row.request(request, now, version)
        return len(keys)

    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[Reception]:
        searched = [self._database.read(tenant)] if tenant else self._database.across_tenants()
        receptions = [row.reception for row in _rows(searched)]
        return [each for each in receptions if mailbox in ("", each.mailbox)]

    async def subscribers(self, subscription_ids: Sequence[str]) -> Mapping[str, Subscriber]:
        return {
            subscription.id: self._subscriber(reception, subscription)
            for reception, subscription in self._subscribed(subscription_ids)
        }

    async def _take(self, found: Reception, now: datetime, hold: timedelta) -> Reception | None:
        """None if it is not ready any more: somebody else has taken it since it was found."""
        async with self._database.transaction(found.tenant) as tables:
            row = tables.receptions.get(_key(found))
            if row is None or not row.is_ready(now):
                return None
            row = row.take(now + hold, self._database.next_version())
            tables.receptions[_key(found)] = row
        return row.reception

    def _subscribed(self, ids: Sequence[str]) -> Sequence[tuple[Reception, Subscription]]:
        receptions = [row.reception for row in _rows(self._database.across_tenants())]
        return [
            (reception, reception.subscription)
            for reception in receptions
            if reception.subscription and reception.subscription.id in ids
        ]

    def _subscriber(self, reception: Reception, subscription: Subscription) -> Subscriber:
        mailbox = self._database.read(reception.tenant).mailboxes[reception.mailbox]
        account = mailbox.account
        return Subscriber(
            tenant=mailbox.tenant,
            id=mailbox.id,
            provider=mailbox.provider,
            folder=reception.folder,
            secret_digest=subscription.secret_digest,
            application=account.client_id if isinstance(account, MicrosoftAccount) else "",
            is_paused=mailbox.paused is not None,
        )


def _rows(searched: Sequence[Tables]) -> Sequence[ReceptionRow]:
    return [tables.receptions[key] for tables in searched for key in sorted(tables.receptions)]


def _key(reception: Reception) -> tuple[str, str]:
    return reception.mailbox, reception.folder
