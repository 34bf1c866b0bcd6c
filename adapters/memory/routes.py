from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.ports import Route, Routes, by_account, by_mailbox, by_subscription
from postroom.domain.account import Account, Secret
from postroom.domain.mailbox import Mailbox


class InMemoryRoutes(Routes):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        return {key: route for key, route in self._all() if key in keys}

    async def account_values(self, provider: str, field: str) -> frozenset[str]:
        accounts = [
            _plain(mailbox.account)
            for tables in self._database.across_tenants()
            for mailbox in tables.mailboxes.values()
            if mailbox.provider == provider
        ]
        return frozenset(str(each[field]).lower() for each in accounts if each.get(field))

    def _all(self) -> Iterator[tuple[str, Route]]:
        for tables in self._database.across_tenants():
            for mailbox in tables.mailboxes.values():
                yield by_mailbox(mailbox.tenant, mailbox.id), _route(mailbox)
                if route := mailbox.account.route(mailbox.address):
                    yield by_account(mailbox.provider, route), _route(mailbox)
            for row in tables.folder_syncs.values():
                if subscription := row.folder_sync.subscription:
                    route_of = _route(tables.mailboxes[row.folder_sync.mailbox])
                    yield (
                        by_subscription(subscription.id),
                        replace(
                            route_of,
                            folder=row.folder_sync.folder,
                            secret_digest=subscription.secret_digest,
                        ),
                    )


def _route(mailbox: Mailbox) -> Route:
    return Route(
        tenant=mailbox.tenant,
        id=mailbox.id,
        provider=mailbox.provider,
        is_paused=mailbox.paused is not None,
        account=_plain(mailbox.account),
    )


def _plain(account: Account) -> Mapping[str, Any]:
    """Its fields but for those that are, or hold, secrets."""
    if not is_dataclass(account):
        return {}
    values = {field.name: getattr(account, field.name) for field in fields(account)}
    return {
        name: value
        for name, value in values.items()
        if not (isinstance(value, Secret) or is_dataclass(value))
    }
