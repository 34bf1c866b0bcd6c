"""Handovers that leave an application that is down for its fallback.

All in the transaction of the caller, who holds the row of the first one's health, so that nobody
claims or settles meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Json

from postroom.adapters.postgres import handover_queries as queries
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.handover_bodies import Bodies
from postroom.adapters.postgres.handover_rows import handover_of, save, values_of
from postroom.adapters.postgres.rows import rows
from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.application import Application
from postroom.domain.handover.body_readdress import readdressed
from postroom.domain.handover.fallback import moved, taken_over
from postroom.domain.handover.handover import Handover


async def move(
    connection: Connection,
    bodies: Bodies,
    application: Application,
    standby: Application,
    *,
    limit: int,
    now: datetime,
) -> Sequence[Handover]:
    """What has left *application*, or is held since its body cannot be read."""
    values = {
        "owner": application.tenant,
        "application": application.name,
        "standby": standby.name,
        "limit": limit,
    }
    left = []
    for row in await rows(connection, queries.FIND_LEAVING, values):
        handover = handover_of(row)
        try:
            body = readdressed(bodies.unpacked(handover, row["body"]), standby)
        except StoreUnavailable as failure:
            left.append(handover.held(failure.reason, now))
            continue
        new = _row(row, taken_over(handover, standby, now), standby, body, bodies)
        inserted = await connection.execute(queries.ACCEPT, new)
        if inserted.rowcount:  # else it was accepted as a copy just now
            left.append(moved(handover, standby, now))
    await save(connection, application.name, left, {}, now)
    return left


def _row(
    before: Mapping[str, Any],
    handover: Handover,
    standby: Application,
    body: bytes,
    bodies: Bodies,
) -> Mapping[str, Any]:
    """The job, the original and the trace stay the message's."""
    return {
        **before,
        **values_of(handover),
        "owner": standby.tenant,
        "job": before["job"] and Json(before["job"]),
        "body_size": len(body),
        "body": bodies.packed(handover, body),
    }
