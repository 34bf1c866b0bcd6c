"""The mailbox registry, with what is secret in an account sealed before it is stored."""

from collections.abc import Sequence
from typing import Any, Protocol

from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from adapters.postgres.account import joined, split
from adapters.postgres.connection import Connection
from adapters.postgres.database import Database
from application.ports import MailboxRegistry
from domain.mailbox import InvalidMailbox, Mailbox, MicrosoftCredentials, with_credentials

_ADD = """
INSERT INTO mailbox (tenant, id, address, account, secrets, added_at, paused)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

_SELECT = "SELECT tenant, id, address, account, secrets, added_at, paused FROM mailbox"
_ALL = f"{_SELECT} ORDER BY tenant, id"
_OF_TENANT = f"{_SELECT} WHERE tenant = %s ORDER BY id"
_BY_ID = f"{_SELECT} WHERE tenant = %s AND id = %s"
_LOCKED = f"{_BY_ID} FOR UPDATE"
_BY_SUBSCRIPTION = f"""{_SELECT}
WHERE account ->> 'provider' = 'microsoft' AND account ->> 'subscription_id' = %s
"""
_BY_PUSH = f"""{_SELECT}
WHERE account ->> 'provider' = 'google' AND account ->> 'subscription' = %s
  AND lower(address) = lower(%s)
"""

_REPLACE = "UPDATE mailbox SET account = %s, secrets = %s WHERE tenant = %s AND id = %s"

_TAKEN = {
    "mailbox_pkey": "the tenant has a mailbox of that name: choose another",
    "mailbox_address_key": "the tenant has a mailbox of that address already",
    "mailbox_subscription_key": "a mailbox with that Graph subscription exists already",
    "mailbox_push_key": "a mailbox of that address and Pub/Sub subscription exists already",
}


class Cipher(Protocol):
    """Encrypts for storage; a ciphertext opens only in the *context* that it was sealed in."""

    def seal(self, plaintext: bytes, context: str) -> bytes: ...

    def open(self, ciphertext: bytes, context: str) -> bytes:
        """Raises AccessFailed if no key fits, or the context is another."""


class PostgresMailboxRegistry(MailboxRegistry):
    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def add(self, mailbox: Mailbox) -> None:
        plain, secrets = split(mailbox.account)
        sealed = self._cipher.seal(secrets, _context(mailbox.tenant, mailbox.id))
        values = [
            *(mailbox.tenant, mailbox.id, mailbox.address),
            *(Jsonb(plain), sealed, mailbox.added_at, mailbox.paused),
        ]
        async with self._database.transaction(mailbox.tenant) as connection:
            try:
                await connection.execute(_ADD, values)
            except UniqueViolation as error:
                raise InvalidMailbox(_TAKEN[error.diag.constraint_name or ""]) from error

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        async with self._database.transaction(tenant) as connection:
            return await self._one(connection, _BY_ID, tenant, mailbox_id)

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        """Raises AccessFailed if the credentials of one cannot be decrypted."""
        if tenant:
            async with self._database.transaction(tenant) as connection:
                return await self._many(connection, _OF_TENANT, tenant)
        async with self._database.across_tenants() as connection:
            return await self._many(connection, _ALL)

    async def of_subscription(self, subscription_id: str) -> Mailbox | None:
        async with self._database.across_tenants() as connection:
            return await self._one(connection, _BY_SUBSCRIPTION, subscription_id)

    async def of_push(self, subscription: str, address: str) -> Mailbox | None:
        async with self._database.across_tenants() as connection:
            return await self._one(connection, _BY_PUSH, subscription, address)

    async def replace_credentials(
        self, mailbox: Mailbox, credentials: MicrosoftCredentials
    ) -> bool:
        key = (mailbox.tenant, mailbox.id)
        async with self._database.transaction(mailbox.tenant) as connection:
            # Ciphertexts of one text differ, so the row is held while its secrets are compared.
            stored = await self._one(connection, _LOCKED, *key)
            account = with_credentials(stored, mailbox, credentials)
            if account is None:
                return False
            plain, secrets = split(account)
            sealed = self._cipher.seal(secrets, _context(*key))
            await connection.execute(_REPLACE, [Jsonb(plain), sealed, *key])
        return True

    async def _one(self, connection: Connection, query: str, *values: str) -> Mailbox | None:
        found = await self._many(connection, query, *values)
        return found[0] if found else None

    async def _many(self, connection: Connection, query: str, *values: str) -> list[Mailbox]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, values)
            return [self._mailbox(row) async for row in cursor]

    def _mailbox(self, row: dict[str, Any]) -> Mailbox:
        secrets = self._cipher.open(row.pop("secrets"), _context(row["tenant"], row["id"]))
        return Mailbox(account=joined(row.pop("account"), secrets), **row)


def _context(tenant: str, mailbox_id: str) -> str:
    return f"{tenant}/{mailbox_id}"
