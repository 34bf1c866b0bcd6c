"""The mailbox registry, with what is secret in an account sealed before it is stored."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from postroom.adapters.postgres.account import AccountFormat
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.event_rows import write
from postroom.application.ports import MailboxRegistry
from postroom.domain.access import AccessTally
from postroom.domain.account import Account, UnreadableAccount
from postroom.domain.events.of_mailboxes import event_of_pause, event_of_resumption
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import InvalidMailbox, Mailbox, Pause, PausedBy

_ADD = """
INSERT INTO mailbox (tenant, id, address, account, secrets, route, added_at, paused_by,
                     paused_reason, paused_since, access_failures, access_failed_at, application)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_ADD_FOLDER_SYNCS = """
INSERT INTO folder_sync (tenant, mailbox, folder, due_at)
SELECT DISTINCT %s, %s, folder, %s::timestamptz FROM unnest(%s::text[]) AS folder
"""

_REMOVE = "DELETE FROM mailbox WHERE tenant = %s AND id = %s"

_SELECT = """
SELECT tenant, id, address, account, secrets, added_at, paused_by, paused_reason, paused_since,
       access_failures, access_failed_at, application FROM mailbox
"""
_ALL = f"{_SELECT} ORDER BY tenant, id"
_OF_TENANT = f"{_SELECT} WHERE tenant = %s ORDER BY id"
_BY_ID = f"{_SELECT} WHERE tenant = %s AND id = %s"
_LOCKED = f"{_BY_ID} FOR UPDATE"

_REPLACE = """
UPDATE mailbox SET account = %s, secrets = %s, route = %s WHERE tenant = %s AND id = %s
"""

_PAUSE = """
UPDATE mailbox SET paused_by = %(by)s, paused_reason = %(reason)s, paused_since = %(since)s
WHERE tenant = %(tenant)s AND id = %(id)s AND (paused_by IS NULL OR %(by)s = 'operator')
"""

# Folder syncs are due since the pause began: at once, whatever the time is now and they failed of.
_RESUME = """
WITH resumed AS (
    SELECT tenant, id, paused_by, paused_reason, paused_since FROM mailbox
    WHERE tenant = %s AND id = %s AND paused_by = ANY(%s) FOR UPDATE
), woken AS (
    UPDATE folder_sync SET
        version = version + 1,
        requests = requests || jsonb_build_object('sync', version + 1),
        due_at = least(due_at, paused_since),
        retry_at = NULL
    FROM resumed WHERE folder_sync.tenant = resumed.tenant AND mailbox = id
)
UPDATE mailbox SET paused_by = NULL, paused_reason = NULL, paused_since = NULL,
                   access_failures = 0, access_failed_at = NULL
FROM resumed WHERE mailbox.tenant = resumed.tenant AND mailbox.id = resumed.id
RETURNING resumed.paused_by AS by, resumed.paused_reason AS reason, resumed.paused_since AS since,
    clock_timestamp() AS now
"""

_SAVE_ACCESS = """
UPDATE mailbox SET access_failures = %s, access_failed_at = %s WHERE tenant = %s AND id = %s
"""

_SET_APPLICATION = "UPDATE mailbox SET application = %s WHERE tenant = %s AND id = %s"

_TAKEN = {
    "mailbox_pkey": "the tenant has a mailbox of that name: choose another",
    "mailbox_address_key": "the tenant has a mailbox of that address already",
    "mailbox_route_key": "a mailbox that gets the same notifications exists already",
}


class Cipher(Protocol):
    """Encrypts for storage; a ciphertext opens only in the *context* that it was sealed in."""

    def seal(self, plaintext: bytes, context: str) -> bytes: ...

    def open(self, ciphertext: bytes, context: str) -> bytes:
        """Raises AccessFailed if no key fits, or the context is another."""


class PostgresMailboxRegistry(MailboxRegistry):
    """*accounts* are the types of the accounts that this release knows, by provider.

    An account of another provider, or under another key, is stored as it is and not read.
    """

    def __init__(
        self, database: Database, cipher: Cipher, accounts: Mapping[str, type[Account]]
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._format = AccountFormat(accounts)

    async def add(self, mailbox: Mailbox) -> None:
        pause, access = mailbox.paused, mailbox.access
        values = [
            *(mailbox.tenant, mailbox.id, mailbox.address),
            *(*self._stored(mailbox, mailbox.account), mailbox.added_at),
            *((pause.by.value, pause.reason, pause.since) if pause else (None, None, None)),
            *(access.failures, access.last_at, mailbox.application),
        ]
        key = [mailbox.tenant, mailbox.id]
        folder_syncs = [*key, mailbox.added_at, list(mailbox.account.folders)]
        async with self._database.transaction(mailbox.tenant) as connection:
            with _refusing_what_is_taken():
                await connection.execute(_ADD, values)
            await connection.execute(_ADD_FOLDER_SYNCS, folder_syncs)

    async def remove(self, tenant: str, mailbox_id: str) -> bool:
        async with self._database.transaction(tenant) as connection:
            removed = await connection.execute(_REMOVE, [tenant, mailbox_id])
        return removed.rowcount == 1

    async def pause(self, tenant: str, mailbox_id: str, pause: Pause) -> bool:
        values = {"by": pause.by.value, "reason": pause.reason, "since": pause.since}
        async with self._database.transaction(tenant) as connection:
            paused = await connection.execute(
                _PAUSE, {**values, "tenant": tenant, "id": mailbox_id}
            )
            if paused.rowcount == 1:
                await write(connection, [event_of_pause(tenant, mailbox_id, pause)])
        return paused.rowcount == 1

    async def resume(
        self, tenant: str, mailbox_id: str, *, paused_by: PausedBy | None = None
    ) -> bool:
        whose = [by.value for by in PausedBy if paused_by in (None, by)]
        async with self._database.transaction(tenant) as connection:
            resumed = await _rows(connection, _RESUME, tenant, mailbox_id, whose)
            for row in resumed:
                pause = Pause(PausedBy(row["by"]), row["reason"], row["since"])
                event = event_of_resumption(tenant, mailbox_id, pause, row["now"])
                await write(connection, [event])
        return len(resumed) == 1

    async def save_access(self, mailbox: Mailbox, access: AccessTally) -> None:
        values = [access.failures, access.last_at, mailbox.tenant, mailbox.id]
        async with self._database.transaction(mailbox.tenant) as connection:
            await connection.execute(_SAVE_ACCESS, values)

    async def set_application(self, tenant: str, mailbox_id: str, name: str) -> bool:
        async with self._database.transaction(tenant) as connection:
            stored = await connection.execute(_SET_APPLICATION, [name, tenant, mailbox_id])
        return stored.rowcount == 1

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        async with self._database.transaction(tenant) as connection:
            return await self._one(connection, _BY_ID, tenant, mailbox_id)

    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        if tenant:
            async with self._database.transaction(tenant) as connection:
                rows = await _rows(connection, _OF_TENANT, tenant)
        else:
            async with self._database.across_tenants() as connection:
                rows = await _rows(connection, _ALL)
        return [_mailbox(row, self._account_or_why(row)) for row in rows]

    async def replace_account(self, mailbox: Mailbox, account: Account) -> bool:
        key = mailbox.tenant, mailbox.id
        values = self._stored(mailbox, account)
        async with self._database.transaction(mailbox.tenant) as connection:
            # Ciphertexts of one text differ, so the row is held while its secrets are compared.
            stored = await self._one(connection, _LOCKED, *key)
            if stored is None or stored.account != mailbox.account:
                return False
            with _refusing_what_is_taken():
                await connection.execute(_REPLACE, [*values, *key])
        return True

    def _stored(self, mailbox: Mailbox, account: Account) -> tuple[Jsonb, bytes, str]:
        """The plain part of the account of *mailbox*, the sealed one, and its route."""
        plain, secrets = self._format.split(account)
        sealed = self._cipher.seal(secrets, _context(mailbox.tenant, mailbox.id))
        return Jsonb(plain), sealed, account.route(mailbox.address)

    async def _one(self, connection: Connection, query: str, *values: str) -> Mailbox | None:
        for row in await _rows(connection, query, *values):
            return _mailbox(row, self._account(row))
        return None

    def _account(self, row: Mapping[str, Any]) -> Account:
        """Raises AccessFailed."""
        secrets = self._cipher.open(row["secrets"], _context(row["tenant"], row["id"]))
        return self._format.joined(row["account"], secrets)

    def _account_or_why(self, row: Mapping[str, Any]) -> Account:
        try:
            return self._account(row)
        except AccessFailed as failure:
            return UnreadableAccount(row["account"]["provider"], failure.reason)


async def _rows(
    connection: Connection, query: str, *values: str | list[str]
) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


def _mailbox(row: Mapping[str, Any], account: Account) -> Mailbox:
    paused_by = row["paused_by"]
    return Mailbox(
        tenant=row["tenant"],
        id=row["id"],
        address=row["address"],
        account=account,
        added_at=row["added_at"],
        paused=(
            Pause(PausedBy(paused_by), row["paused_reason"], row["paused_since"])
            if paused_by
            else None
        ),
        access=AccessTally(row["access_failures"], row["access_failed_at"]),
        application=row["application"],
    )


@contextmanager
def _refusing_what_is_taken() -> Iterator[None]:
    """Raises InvalidMailbox."""
    try:
        yield
    except UniqueViolation as error:
        raise InvalidMailbox(_TAKEN[error.diag.constraint_name or ""]) from error


def _context(tenant: str, mailbox_id: str) -> str:
    return f"{tenant}/{mailbox_id}"
