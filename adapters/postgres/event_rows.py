"""Events, written in the transaction of what they state, if anybody subscribes to them."""

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.together import Statement
from postroom.domain.events.event import Event

WRITE_IF_WANTED = """
INSERT INTO event (id, tenant, type, at, data)
SELECT new.id, new.tenant, new.type, new.at, new.data FROM new
WHERE EXISTS (
    SELECT FROM application AS subscriber
    WHERE subscriber.tenant IN ('', new.tenant) AND subscriber.settings ->> 'role' = 'subscriber'
      AND (subscriber.settings -> 'events' = '[]' OR subscriber.settings -> 'events' ? new.type)
)
ON CONFLICT DO NOTHING
"""
"""`new` is a query that comes before, with those columns. What is there is the same event."""

NEW = """
SELECT %(event_id)s::text AS id, %(tenant)s::text AS tenant, %(event_type)s::text AS type,
    %(event_at)s::timestamptz AS at, %(event_data)s::jsonb AS data
"""
"""One event, in a statement that does something else as well: see `values_of`."""

_SEVERAL = """
SELECT * FROM unnest(%(id)s::text[], %(tenant)s::text[], %(type)s::text[], %(at)s::timestamptz[],
    %(data)s::jsonb[]) AS each (id, tenant, type, at, data)
"""
_WRITE = f"WITH new AS ({_SEVERAL}) {WRITE_IF_WANTED}"


async def write(connection: Connection, events: Sequence[Event]) -> None:
    for query, values in writing(events):
        await connection.execute(query, values)


def writing(events: Sequence[Event]) -> Sequence[Statement]:
    """What `write` does; nothing if there are none."""
    if not events:
        return []
    values = {
        "id": [each.id for each in events],
        "tenant": [each.tenant for each in events],
        "type": [each.type.value for each in events],
        "at": [each.at for each in events],
        "data": [Jsonb(each.data) for each in events],
    }
    return [(_WRITE, values)]


def values_of(event: Event) -> dict[str, Any]:
    """Without its tenant, which the statement has anyway."""
    return {
        "event_id": event.id,
        "event_type": event.type.value,
        "event_at": event.at,
        "event_data": Jsonb(event.data),
    }
