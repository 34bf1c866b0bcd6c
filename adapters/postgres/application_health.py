"""How an application stands, in one row: locked by whoever counts on it."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from postroom.adapters.postgres.connection import Connection
from postroom.domain.handover.application import Application
from postroom.domain.handover.health import Health

_LOCK = "SELECT health, turn FROM application_health WHERE tenant = %s AND name = %s FOR UPDATE"
_ADD = """
INSERT INTO application_health (tenant, name, health) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_READ = """
SELECT clock_timestamp(), (SELECT health FROM application_health WHERE tenant = %s AND name = %s)
"""
_SAVE = "UPDATE application_health SET health = %s, turn = %s WHERE tenant = %s AND name = %s"

_HEALTH = TypeAdapter(Health)


@dataclass(frozen=True, slots=True)
class Standing:
    """*turn* is the lane that was called with last: see `handover_queries.py`."""

    health: Health
    turn: str = ""


async def lock_standing(connection: Connection, application: Application) -> Standing:
    """Hold it until the transaction ends: others who claim or settle wait for that."""
    key = application.tenant, application.name
    found = await _locked(connection, key)
    if found is None:
        new = Jsonb(_HEALTH.dump_python(_new(application), mode="json"))
        await connection.execute(_ADD, [*key, new])
        found = await _locked(connection, key)
    return found or Standing(_new(application))


async def save_standing(
    connection: Connection, application: Application, standing: Standing
) -> None:
    health = Jsonb(_HEALTH.dump_python(standing.health, mode="json"))
    values = [health, standing.turn, application.tenant, application.name]
    await connection.execute(_SAVE, values)


async def read_health(connection: Connection, application: Application) -> tuple[Health, datetime]:
    """With the time."""
    rows = await connection.execute(_READ, [application.tenant, application.name])
    [(now, health)] = await rows.fetchall()
    return (_new(application) if health is None else _HEALTH.validate_python(health)), now


def _new(application: Application) -> Health:
    return Health(window=application.in_flight)


async def _locked(connection: Connection, key: tuple[str, str]) -> Standing | None:
    found = await connection.execute(_LOCK, key)
    row = await found.fetchone()
    return Standing(_HEALTH.validate_python(row[0]), row[1]) if row else None
