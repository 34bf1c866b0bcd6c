"""The outbox: events become handovers, one for each subscriber, in one transaction.

Who subscribes is held until that ends: nobody whose removal has deleted what waited gets more.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.handover_bodies import Bodies
from postroom.adapters.postgres.handover_queries import ACCEPT
from postroom.adapters.postgres.handover_rows import values_of
from postroom.adapters.postgres.rows import moment, rows
from postroom.application.ports import Distributed, Outbox
from postroom.domain.events.delivering import body_of, handover_of, is_for
from postroom.domain.events.event import Event, EventType, Stored

# What a later release has written waits for one that knows it, and holds up nothing else.
_FIND = """
SELECT position, id, tenant, type, at, data FROM event WHERE type = ANY(%(known)s)
ORDER BY position LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_KNOWN = [each.value for each in EventType]
_DELETE = "DELETE FROM event WHERE position = ANY(%(positions)s)"

_SUBSCRIBERS = """
SELECT tenant AS owner, name, settings -> 'events' AS events,
    (settings ->> 'max_backlog')::integer AS most
FROM application WHERE settings ->> 'role' = 'subscriber' FOR KEY SHARE
"""

# The newest that the subscriber may have waiting stay. What somebody claims, or drops, is left to
# them: nobody waits here for another.
_DROP = """
DELETE FROM handover USING (
    SELECT handover.tenant, handover.key FROM handover JOIN (
        SELECT tenant, key FROM handover
        WHERE owner = %(owner)s AND application = %(name)s
          AND state IN ('waiting', 'calling', 'held')
        ORDER BY accepted_at DESC, key DESC OFFSET %(most)s
    ) AS oldest USING (tenant, key)
    WHERE application = %(name)s AND state IN ('waiting', 'held') AND job_id IS NULL
    FOR UPDATE OF handover SKIP LOCKED
) AS dropped
WHERE handover.tenant = dropped.tenant AND handover.key = dropped.key AND application = %(name)s
"""

_EXPIRE = """
DELETE FROM handover USING (
    SELECT handover.tenant, key, handover.application FROM handover
    LEFT JOIN application ON application.tenant = owner AND name = handover.application
    WHERE job_id IS NULL AND state <> 'calling' AND accepted_at < statement_timestamp()
        - coalesce((settings ->> 'retention')::interval, %(default)s)
    FOR UPDATE OF handover SKIP LOCKED
) AS old
WHERE handover.tenant = old.tenant AND handover.key = old.key
  AND handover.application = old.application
"""

Owned = tuple[str, str]
"""Owner and name of a subscriber."""


class PostgresOutbox(Outbox):
    def __init__(
        self,
        database: Database,
        bodies: Bodies = Bodies(),  # noqa: B008 - frozen
    ) -> None:
        self._database = database
        self._bodies = bodies

    async def distribute(self, limit: int) -> Distributed:
        async with self._database.across_tenants() as connection:
            found = await rows(connection, _FIND, {"known": _KNOWN, "limit": limit})
            if not found:
                return Distributed(0, {})
            subscribers = await rows(connection, _SUBSCRIBERS)
            now = await moment(connection)
            given = [
                (subscriber, stored)
                for stored in map(_stored, found)
                for subscriber in subscribers
                if is_for(subscriber["owner"], tuple(subscriber["events"]), stored)
            ]
            if given:
                async with connection.cursor() as cursor:
                    await cursor.executemany(ACCEPT, [self._row(*each, now) for each in given])
            await connection.execute(_DELETE, {"positions": [row["position"] for row in found]})
            takers = {(each["owner"], each["name"]): each for each, _ in given}
            return Distributed(len(found), await _dropped(connection, takers))

    async def expire(self, *, default: timedelta) -> int:
        async with self._database.across_tenants() as connection:
            return (await connection.execute(_EXPIRE, {"default": default})).rowcount

    def _row(
        self, subscriber: Mapping[str, Any], stored: Stored, now: datetime
    ) -> Mapping[str, Any]:
        handover, body = handover_of(stored, subscriber["name"], now), body_of(stored)
        return {
            **values_of(handover),
            "owner": subscriber["owner"],
            "job_id": None,
            "job": None,
            "traceparent": "",
            "raw": "",
            "raw_size": 0,
            "body_size": len(body),
            "body": self._bodies.packed(handover, body),
        }


async def _dropped(
    connection: Connection, subscribers: Mapping[Owned, Mapping[str, Any]]
) -> Mapping[Owned, int]:
    counts = {
        key: (await connection.execute(_DROP, each)).rowcount for key, each in subscribers.items()
    }
    return {key: count for key, count in counts.items() if count}


def _stored(row: Mapping[str, Any]) -> Stored:
    event = Event(tenant=row["tenant"], type=EventType(row["type"]), at=row["at"], data=row["data"])
    return Stored(row["id"], event)
