"""Who pulls which subscription. See 0015_pulls.sql."""

from datetime import datetime, timedelta

from postroom.adapters.postgres.database import Database
from postroom.application.ports import PullState, PullStates

# A claim forgets what the one before it failed of: that may have been its own fault.
_CLAIM = """
INSERT INTO pull (provider, subscription, leased_until) VALUES (%(provider)s, %(name)s, %(until)s)
ON CONFLICT (provider, subscription) DO UPDATE SET
    token = pull.token + 1, leased_until = excluded.leased_until, last_error = ''
WHERE pull.leased_until <= %(now)s
RETURNING token
"""

_SAVE = """
UPDATE pull SET leased_until = %s, last_error = %s
WHERE provider = %s AND subscription = %s AND token = %s
"""

_RELEASE = """
UPDATE pull SET leased_until = %s, last_error = ''
WHERE provider = %s AND subscription = %s AND token = %s
"""

_FIND = "SELECT leased_until, last_error FROM pull WHERE provider = %s AND subscription = %s"


class PostgresPullStates(PullStates):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, provider: str, subscription: str, now: datetime, lease: timedelta
    ) -> int | None:
        values = {"provider": provider, "name": subscription, "now": now, "until": now + lease}
        async with self._database.across_tenants() as connection:
            row = await (await connection.execute(_CLAIM, values)).fetchone()
        return row[0] if row else None

    async def save(
        self, provider: str, subscription: str, token: int, leased_until: datetime, last_error: str
    ) -> bool:
        values = [leased_until, last_error, provider, subscription, token]
        async with self._database.across_tenants() as connection:
            saved = await connection.execute(_SAVE, values)
        return saved.rowcount == 1

    async def release(self, provider: str, subscription: str, token: int, now: datetime) -> None:
        async with self._database.across_tenants() as connection:
            await connection.execute(_RELEASE, [now, provider, subscription, token])

    async def find(self, provider: str, subscription: str) -> PullState | None:
        async with self._database.across_tenants() as connection:
            row = await (await connection.execute(_FIND, [provider, subscription])).fetchone()
        return PullState(*row) if row else None
