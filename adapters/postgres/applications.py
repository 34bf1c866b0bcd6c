"""The applications, with what is secret of them sealed before it is stored."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import ValidationError

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.registry import Cipher
from postroom.adapters.postgres.rows import rows
from postroom.adapters.postgres.strict import strictly
from postroom.application.ports import Applications
from postroom.domain.failure import AccessFailed
from postroom.domain.handover.application import INSTALLATION, Application, InvalidApplication

_TAKEN = """
SELECT tenant FROM application
WHERE name = %(name)s AND (%(tenant)s = '' OR tenant IN ('', %(tenant)s)) LIMIT 1
"""
_ADD = """
INSERT INTO application (tenant, name, settings, secrets, added_at)
VALUES (%(tenant)s, %(name)s, %(settings)s, %(secrets)s, %(added_at)s)
"""
# Readers go on.
_LOCK_NAMES = "LOCK TABLE application IN SHARE ROW EXCLUSIVE MODE"

_SELECT = "SELECT tenant, name, settings, secrets FROM application"
_OWNED = f"{_SELECT} WHERE tenant = %(tenant)s AND name = %(name)s"
_LOCKED = f"{_OWNED} FOR UPDATE"
_GETS_MAIL = "settings ->> 'role' IS DISTINCT FROM 'subscriber'"
_IN_ORDER = 'ORDER BY tenant COLLATE "C", name COLLATE "C"'
_SERVING = f"""{_SELECT} WHERE tenant IN ('', %(tenant)s) AND name = %(name)s AND {_GETS_MAIL}
ORDER BY tenant DESC LIMIT 1"""
_ALL = f"{_SELECT} WHERE {_GETS_MAIL} {_IN_ORDER}"
_ALL_SERVING = f"{_SELECT} WHERE tenant IN ('', %(tenant)s) AND {_GETS_MAIL} {_IN_ORDER}"
_SUBSCRIBERS = f"{_SELECT} WHERE settings ->> 'role' = 'subscriber' {_IN_ORDER}"

_REPLACE = """
UPDATE application SET settings = %(settings)s, secrets = %(secrets)s
WHERE tenant = %(tenant)s AND name = %(name)s
"""
_REMOVE = "DELETE FROM application WHERE tenant = %(tenant)s AND name = %(name)s"
_FORGET_HEALTH = "DELETE FROM application_health WHERE tenant = %(tenant)s AND name = %(name)s"

_ROUTE = "SELECT application FROM tenant_application WHERE tenant = %(tenant)s"
_SET_ROUTE = """
INSERT INTO tenant_application (tenant, application) VALUES (%(tenant)s, %(name)s)
ON CONFLICT (tenant) DO UPDATE SET application = excluded.application
"""
_UNSET_ROUTE = "DELETE FROM tenant_application WHERE tenant = %(tenant)s"

_APPLICATION = strictly(Application)
_SECRET = frozenset({"destination", "secrets"})
_KEY = frozenset({"tenant", "name"})


class PostgresApplications(Applications):
    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def add(self, application: Application) -> None:
        values = {**self._stored(application), "added_at": application.added_at}
        async with self._database.across_tenants() as connection:
            await connection.execute(_LOCK_NAMES)
            if taken := await rows(connection, _TAKEN, values):
                raise InvalidApplication(_complaint(application, taken[0]["tenant"]))
            await connection.execute(_ADD, values)

    async def get(self, tenant: str, name: str) -> Application | None:
        async with self._database.transaction(tenant) as connection:
            return await self._one(connection, _SERVING, tenant, name)

    async def owned(self, owner: str, name: str) -> Application | None:
        async with self._database.transaction(owner) as connection:
            return await self._one(connection, _OWNED, owner, name)

    async def all(self, *, tenant: str | None = None) -> Sequence[Application]:
        if tenant is None:
            async with self._database.across_tenants() as connection:
                found = await rows(connection, _ALL)
        else:
            async with self._database.transaction(tenant) as connection:
                found = await rows(connection, _ALL_SERVING, {"tenant": tenant})
        return [self._application(row) for row in found]

    async def subscribers(self) -> Sequence[Application]:
        async with self._database.across_tenants() as connection:
            found = await rows(connection, _SUBSCRIBERS)
        return [self._application(row) for row in found]

    async def replace(self, before: Application, after: Application) -> bool:
        if (before.tenant, before.name) != (after.tenant, after.name):
            raise InvalidApplication("an application keeps its name and its owner")
        async with self._database.transaction(before.tenant) as connection:
            # Ciphertexts of one text differ, so the row is held while its secrets are compared.
            if await self._one(connection, _LOCKED, before.tenant, before.name) != before:
                return False
            await connection.execute(_REPLACE, self._stored(after))
        return True

    async def remove(self, application: Application) -> bool:
        key = {"tenant": application.tenant, "name": application.name}
        async with self._database.transaction(application.tenant) as connection:
            removed = await connection.execute(_REMOVE, key)
            await connection.execute(_FORGET_HEALTH, key)
        return removed.rowcount == 1

    async def route(self, tenant: str) -> str:
        async with self._database.transaction(tenant) as connection:
            found = await rows(connection, _ROUTE, {"tenant": tenant})
        return found[0]["application"] if found else ""

    async def set_route(self, tenant: str, name: str) -> None:
        query = _SET_ROUTE if name else _UNSET_ROUTE
        async with self._database.transaction(tenant) as connection:
            await connection.execute(query, {"tenant": tenant, "name": name})

    async def _one(
        self, connection: Connection, query: str, tenant: str, name: str
    ) -> Application | None:
        found = await rows(connection, query, {"tenant": tenant, "name": name})
        return self._application(found[0]) if found else None

    def _stored(self, application: Application) -> dict[str, Any]:
        fields = _APPLICATION.dump_python(application, mode="json")
        secrets = json.dumps({name: fields[name] for name in _SECRET}).encode()
        plain = {name: fields[name] for name in fields if name not in _SECRET | _KEY}
        return {
            "tenant": application.tenant,
            "name": application.name,
            "settings": Jsonb(plain),
            "secrets": self._cipher.seal(secrets, _context(application.tenant, application.name)),
        }

    def _application(self, row: Mapping[str, Any]) -> Application:
        """Raises AccessFailed."""
        key = {"tenant": row["tenant"], "name": row["name"]}
        secrets = json.loads(self._cipher.open(row["secrets"], _context(**key)))
        try:
            return _APPLICATION.validate_python({**key, **row["settings"], **secrets})
        except ValidationError as error:
            raise AccessFailed("the stored application is not of this release") from error


def _complaint(application: Application, taken_by: str) -> str:
    if taken_by == application.tenant:
        return "there is one of that name already, an application or a subscriber: choose another"
    if taken_by == INSTALLATION:
        return "the installation has one of that name: choose another"
    return "a tenant has one of that name: choose another"


def _context(tenant: str, name: str) -> str:
    """None that an account has: a tenant's name has no colon."""
    return f"application:{tenant}/{name}"
