"""How an application stands, in one row: locked by whoever counts on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.together import NOTHING, Statement, together
from postroom.domain.handover.application import Application
from postroom.domain.handover.health import Health

# The time is that of after the lock.
_LOCK = """
SELECT health, turn, clock_timestamp() AS now FROM (
    SELECT health, turn FROM application_health WHERE tenant = %(tenant)s AND name = %(name)s
    FOR UPDATE
) AS locked
"""
_ADD = """
INSERT INTO application_health (tenant, name, health) VALUES (%(tenant)s, %(name)s, %(health)s)
ON CONFLICT DO NOTHING
"""
_READ = """
SELECT clock_timestamp(), (SELECT health FROM application_health WHERE tenant = %s AND name = %s)
"""
_SAVE = """
UPDATE application_health SET health = %(health)s, turn = %(turn)s
WHERE tenant = %(tenant)s AND name = %(name)s
"""

_HEALTH = TypeAdapter(Health)


@dataclass(frozen=True, slots=True)
class Standing:
    """*turn* is the lane that was called with last: see `handover_queries.py`."""

    health: Health
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Locked:
    """*now* is since when it is ours, which may be long after the transaction began.

    *found* is what was asked for in the same round trip, as it was from then on.
    """

    standing: Standing
    now: datetime
    found: Sequence[Mapping[str, Any]]


async def lock_standing(
    connection: Connection, application: Application, find: Statement = NOTHING
) -> Locked:
    """Hold it until the transaction ends: others who claim or settle wait for that.

    *find* is asked for afterwards.
    """
    key = _key(application)
    locked, found = await together(connection, (_LOCK, key), find)
    if not locked:
        new = _ADD, {**key, "health": _dumped(_new(application))}
        _, locked, found = await together(connection, new, (_LOCK, key), find)
    [row] = locked
    standing = Standing(_HEALTH.validate_python(row["health"]), row["turn"])
    return Locked(standing, row["now"], found)


def saving_standing(application: Application, standing: Standing) -> Statement:
    return _SAVE, {
        **_key(application),
        "health": _dumped(standing.health),
        "turn": standing.turn,
    }


async def read_health(connection: Connection, application: Application) -> tuple[Health, datetime]:
    """With the time."""
    rows = await connection.execute(_READ, [application.tenant, application.name])
    [(now, health)] = await rows.fetchall()
    return (_new(application) if health is None else _HEALTH.validate_python(health)), now


def _new(application: Application) -> Health:
    return Health(window=application.in_flight)


def _dumped(health: Health) -> Jsonb:
    return Jsonb(_HEALTH.dump_python(health, mode="json"))


def _key(application: Application) -> dict[str, str]:
    return {"tenant": application.tenant, "name": application.name}
