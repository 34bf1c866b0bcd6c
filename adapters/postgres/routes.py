"""Routes: which mailbox a notification is of, by keys of all kinds in one query."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.rows import dict_row

from postroom.adapters.postgres.database import Database
from postroom.application.ports import Route, Routes, by_account, by_mailbox, by_subscription

# A unique index serves each part.
_FIND = """
SELECT 'subscription' AS kind, subscription ->> 'id' AS key, mailbox.tenant, id, folder,
       subscription ->> 'secret_digest' AS secret_digest, paused_by IS NOT NULL AS is_paused,
       account
FROM folder_sync
JOIN mailbox ON mailbox.tenant = folder_sync.tenant AND mailbox.id = folder_sync.mailbox
WHERE subscription ->> 'id' = ANY(%(subscriptions)s)
UNION ALL
SELECT 'account', route, tenant, id, '', '', paused_by IS NOT NULL, account
FROM unnest(%(providers)s::text[], %(routes)s::text[]) AS wanted (wanted_provider, wanted_route)
JOIN mailbox ON account ->> 'provider' = wanted_provider AND route = wanted_route AND route <> ''
UNION ALL
SELECT 'mailbox', '', tenant, id, '', '', paused_by IS NOT NULL, account
FROM unnest(%(tenants)s::text[], %(mailboxes)s::text[]) AS wanted (wanted_tenant, wanted_id)
JOIN mailbox ON tenant = wanted_tenant AND id = wanted_id
"""

_VALUES = """
SELECT DISTINCT lower(account ->> %(field)s) FROM mailbox
WHERE account ->> 'provider' = %(provider)s AND account ->> %(field)s <> ''
"""


class PostgresRoutes(Routes):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        if not keys:
            return {}
        async with (
            self._database.across_tenants() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(_FIND, _values(keys))
            return {_key(row): _route(row) async for row in cursor}

    async def account_values(self, provider: str, field: str) -> frozenset[str]:
        async with self._database.across_tenants() as connection:
            rows = await connection.execute(_VALUES, {"provider": provider, "field": field})
            return frozenset([value async for (value,) in rows])


def _values(keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """What the *keys* hold: see application/ports/routes.py."""
    parts: dict[str, list[str]] = {"subscription": [], "account": [], "mailbox": []}
    for key in dict.fromkeys(keys):
        kind, _, rest = key.partition(":")
        parts[kind].append(rest)
    accounts = [account.partition(":") for account in parts["account"]]
    mailboxes = [mailbox.partition("/") for mailbox in parts["mailbox"]]
    return {
        "subscriptions": parts["subscription"],
        "providers": [provider for provider, _, _ in accounts],
        "routes": [route for _, _, route in accounts],
        "tenants": [tenant for tenant, _, _ in mailboxes],
        "mailboxes": [mailbox_id for _, _, mailbox_id in mailboxes],
    }


def _key(row: Mapping[str, Any]) -> str:
    match row["kind"]:
        case "subscription":
            return by_subscription(row["key"])
        case "account":
            return by_account(row["account"]["provider"], row["key"])
        case _:
            return by_mailbox(row["tenant"], row["id"])


def _route(row: Mapping[str, Any]) -> Route:
    """With the account's plain fields, but for parts that hold secrets as well."""
    plain = row["account"]
    return Route(
        tenant=row["tenant"],
        id=row["id"],
        provider=plain["provider"],
        folder=row["folder"],
        secret_digest=row["secret_digest"],
        is_paused=row["is_paused"],
        account={name: value for name, value in plain.items() if not isinstance(value, dict)},
    )
