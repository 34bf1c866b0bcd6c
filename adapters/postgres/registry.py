"""The mailbox registry, with what is secret in an account sealed before it is stored."""

from collections.abc import Sequence
from typing import Any, Protocol

from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from postroom.adapters.postgres.account import joined, split
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.application.ports import MailboxRegistry
from postroom.domain.access import AccessTally
from postroom.domain.mailbox import (
    InvalidMailbox,
    Mailbox,
    MicrosoftCredentials,
    Pause,
    PausedBy,
    folders_of,
    with_credentials,
)

_ADD = """
INSERT INTO mailbox (tenant, id, address, account, secrets, added_at, paused_by, paused_reason,
                     paused_since, access_failures, access_failed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_ADD_FOLDER_SYNCS = """
INSERT INTO folder_sync (tenant, mailbox, folder, due_at)
SELECT DISTINCT %s, %s, folder, %s::timestamptz FROM unnest(%s::text[]) AS folder
"""

_REMOVE = "DELETE FROM mailbox WHERE tenant = %s AND id = %s"
_REMOVE_CURSORS = "DELETE FROM cursor WHERE tenant = %s AND mailbox = %s"

_SELECT = """
SELECT tenant, id, address, account, secrets, added_at, paused_by, paused_reason, paused_since,
       access_failures, access_failed_at FROM mailbox
"""
_ALL = f"{_SELECT} ORDER BY tenant, id"
_OF_TENANT = f"{_SELECT} WHERE tenant = %s ORDER BY id"
_BY_ID = f"{_SELECT} WHERE tenant = %s AND id = %s"
_LOCKED = f"{_BY_ID} FOR UPDATE"
_BY_PUSH = f"""{_SELECT}
WHERE account ->> 'provider' = 'google' AND account ->> 'pubsub_subscription' = %s
  AND lower(address) = lower(%s)
"""

_REPLACE = "UPDATE mailbox SET account = %s, secrets = %s WHERE tenant = %s AND id = %s"

_PAUSE = """
UPDATE mailbox SET paused_by = %(by)s, paused_reason = %(reason)s, paused_since = %(since)s
WHERE tenant = %(tenant)s AND id = %(id)s AND (paused_by IS NULL OR %(by)s = 'operator')
"""

# FolderSyncs are due since the pause began: at once, whatever the time is now.
_RESUME = """
WITH resumed AS (
    SELECT tenant, id, paused_since FROM mailbox
    WHERE tenant = %s AND id = %s AND paused_by = ANY(%s) FOR UPDATE
), woken AS (
    UPDATE folder_sync SET
        version = version + 1,
        requests = requests || jsonb_build_object('sync', version + 1),
        due_at = least(due_at, paused_since)
    FROM resumed WHERE folder_sync.tenant = resumed.tenant AND mailbox = id
)
UPDATE mailbox SET paused_by = NULL, paused_reason = NULL, paused_since = NULL,
                   access_failures = 0, access_failed_at = NULL
FROM resumed WHERE mailbox.tenant = resumed.tenant AND mailbox.id = resumed.id
"""

_SAVE_ACCESS = """
UPDATE mailbox SET access_failures = %s, access_failed_at = %s WHERE tenant = %s AND id = %s
"""

_TAKEN = {
    "mailbox_pkey": "the tenant has a mailbox of that name: choose another",
    "mailbox_address_key": "the tenant has a mailbox of that address already",
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
        pause, access = mailbox.paused, mailbox.access
        values = [
            *(mailbox.tenant, mailbox.id, mailbox.address),
            *(Jsonb(plain), sealed, mailbox.added_at),
            *((pause.by.value, pause.reason, pause.since) if pause else (None, None, None)),
            *(access.failures, access.last_at),
        ]
        key = [mailbox.tenant, mailbox.id]
        folder_syncs = [*key, mailbox.added_at, list(folders_of(mailbox.account))]
        async with self._database.transaction(mailbox.tenant) as connection:
            try:
                await connection.execute(_ADD, values)
            except UniqueViolation as error:
                raise InvalidMailbox(_TAKEN[error.diag.constraint_name or ""]) from error
            await connection.execute(_REMOVE_CURSORS, key)  # of one that had the name before
            await connection.execute(_ADD_FOLDER_SYNCS, folder_syncs)

    async def remove(self, tenant: str, mailbox_id: str) -> bool:
        async with self._database.transaction(tenant) as connection:
            await connection.execute(_REMOVE_CURSORS, [tenant, mailbox_id])
            removed = await connection.execute(_REMOVE, [tenant, mailbox_id])
        return removed.rowcount == 1

    async def pause(self, tenant: str, mailbox_id: str, pause: Pause) -> bool:
        values = {"by": pause.by.value, "reason": pause.reason, "since": pause.since}
        async with self._database.transaction(tenant) as connection:
            paused = await connection.execute(
                _PAUSE, {**values, "tenant": tenant, "id": mailbox_id}
            )
        return paused.rowcount == 1

    async def resume(
        self, tenant: str, mailbox_id: str, *, paused_by: PausedBy | None = None
    ) -> bool:
        whose = [by.value for by in PausedBy if paused_by in (None, by)]
        async with self._database.transaction(tenant) as connection:
            resumed = await connection.execute(_RESUME, [tenant, mailbox_id, whose])
        return resumed.rowcount == 1

    async def save_access(self, mailbox: Mailbox, access: AccessTally) -> None:
        values = [access.failures, access.last_at, mailbox.tenant, mailbox.id]
        async with self._database.transaction(mailbox.tenant) as connection:
            await connection.execute(_SAVE_ACCESS, values)

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        async with self._database.transaction(tenant) as connection:
            return await self._one(connection, _BY_ID, tenant, mailbox_id)

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        if tenant:
            async with self._database.transaction(tenant) as connection:
                return await self._many(connection, _OF_TENANT, tenant)
        async with self._database.across_tenants() as connection:
            return await self._many(connection, _ALL)

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
        by, reason, since = (row.pop(f"paused_{part}") for part in ("by", "reason", "since"))
        return Mailbox(
            account=joined(row.pop("account"), secrets),
            paused=Pause(PausedBy(by), reason, since) if by else None,
            access=AccessTally(row.pop("access_failures"), row.pop("access_failed_at")),
            **row,
        )


def _context(tenant: str, mailbox_id: str) -> str:
    return f"{tenant}/{mailbox_id}"
