"""The witness of the queue: one row, which belongs to no tenant. See 0008_queue_witness.sql."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.database import Database
from postroom.application.ports import QueueContents, QueueWitness, Witnessed
from postroom.domain.queue_loss import Held, QueueLoss, held

_LOAD = "SELECT *, clock_timestamp() - surveyed_at AS surveyed_ago FROM queue_witness"

_NEXT = """
INSERT INTO queue_witness (number) VALUES (1)
ON CONFLICT (single) DO UPDATE SET number = queue_witness.number + 1
RETURNING *, clock_timestamp() - surveyed_at AS surveyed_ago
"""

_RELISTING = """
SELECT count(*) AS folders FROM folder_sync
JOIN mailbox ON mailbox.tenant = folder_sync.tenant AND mailbox.id = folder_sync.mailbox
WHERE lost_at IS NOT NULL AND paused_by IS DISTINCT FROM 'operator'
"""

_CONFIRM = """
UPDATE queue_witness SET
    number = greatest(number, %(number)s),
    floor = greatest(floor, %(number)s),
    confirmed_at = clock_timestamp()
WHERE floor >= %(floor)s
"""

_SURVEY = """
UPDATE queue_witness SET
    surveyed_at = %(now)s, held_since = %(since)s, held_lanes = %(lanes)s,
    dead = %(dead)s, dead_ids = %(dead_ids)s
"""

_LOCK = "SELECT *, clock_timestamp() AS now FROM queue_witness FOR UPDATE"

_LOSE = """
UPDATE queue_witness SET
    floor = 0, is_requested = false, dead = 0, dead_ids = '{}',
    lost_at = %(noticed_at)s, lost_last_beat = %(last_beat_at)s,
    lost_since = %(since)s, lost_lanes = %(lanes)s, lost_is_tail = %(is_tail)s,
    lost_dead = %(dead)s, lost_dead_ids = %(dead_ids)s
"""

_REQUESTED = "UPDATE queue_witness SET is_requested = true WHERE lost_at = %s"

_FORGET = """
UPDATE queue_witness SET
    lost_at = NULL, lost_last_beat = NULL, lost_since = NULL, lost_lanes = NULL,
    lost_is_tail = NULL, lost_dead = NULL, lost_dead_ids = NULL
WHERE lost_at = %s
"""


class PostgresQueueWitness(QueueWitness):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Witnessed:
        return await self._witnessed(_LOAD)

    async def next_beat(self) -> Witnessed:
        return await self._witnessed(_NEXT)

    async def confirm(self, number: int, *, floor: int) -> None:
        async with self._database.across_tenants() as connection:
            await connection.execute(_CONFIRM, {"number": number, "floor": floor})

    async def record_survey(self, contents: QueueContents, dead_ids: Sequence[str]) -> None:
        async with self._database.across_tenants() as connection:
            if row := await _row(connection, _LOCK):
                found = held(contents.ages, row["now"])
                await connection.execute(
                    _SURVEY,
                    {
                        "now": row["now"],
                        **_of_held(found),
                        "dead": contents.dead,
                        "dead_ids": list(dead_ids),
                    },
                )

    async def record_loss(self, floor: int, *, is_tail: bool = False) -> QueueLoss | None:
        async with self._database.across_tenants() as connection:
            row = await _row(connection, _LOCK)
            if row is None or row["floor"] != floor or row["confirmed_at"] is None:
                return None
            loss = _new_loss(row, is_tail=is_tail)
            await connection.execute(
                _LOSE,
                {
                    "noticed_at": loss.noticed_at,
                    "last_beat_at": loss.last_beat_at,
                    **_of_held(loss.held),
                    "is_tail": loss.is_tail,
                    "dead": loss.dead_letters,
                    "dead_ids": list(loss.dead_ids),
                },
            )
        return loss

    async def record_requested(self, loss: QueueLoss) -> None:
        async with self._database.across_tenants() as connection:
            await connection.execute(_REQUESTED, [loss.noticed_at])

    async def forget_loss(self, loss: QueueLoss) -> bool:
        async with self._database.across_tenants() as connection:
            return (await connection.execute(_FORGET, [loss.noticed_at])).rowcount == 1

    async def _witnessed(self, query: str) -> Witnessed:
        async with self._database.across_tenants() as connection:
            row = await _row(connection, query)
            if row is None:
                return Witnessed()
            relisting = await _row(connection, _RELISTING) if row["lost_at"] else None
        return Witnessed(
            number=row["number"],
            floor=row["floor"],
            surveyed_ago=row["surveyed_ago"],
            loss=_loss(row),
            is_requested=row["is_requested"],
            relisting=relisting["folders"] if relisting else 0,
        )


def _new_loss(row: Mapping[str, Any], *, is_tail: bool) -> QueueLoss:
    """With an earlier one whose folders have not been told yet."""
    last_beat_at = row["confirmed_at"]
    surveyed = row["held_since"] and _held(row["held_since"], row["held_lanes"])
    since_then = Held(since=last_beat_at)
    loss = QueueLoss(
        noticed_at=row["now"],
        last_beat_at=last_beat_at,
        held=since_then if is_tail else surveyed or since_then,
        is_tail=is_tail,
        dead_letters=row["dead"],
        dead_ids=tuple(row["dead_ids"]),
    )
    earlier = _loss(row)
    return loss.with_earlier(earlier) if earlier and not row["is_requested"] else loss


def _loss(row: Mapping[str, Any]) -> QueueLoss | None:
    if row["lost_at"] is None:
        return None
    return QueueLoss(
        noticed_at=row["lost_at"],
        last_beat_at=row["lost_last_beat"],
        held=_held(row["lost_since"], row["lost_lanes"]),
        is_tail=row["lost_is_tail"],
        dead_letters=row["lost_dead"],
        dead_ids=tuple(row["lost_dead_ids"]),
    )


def _of_held(found: Held) -> Mapping[str, Any]:
    lanes = {"/".join(lane): since.isoformat() for lane, since in found.lanes.items()}
    return {"since": found.since, "lanes": Jsonb(lanes)}


def _held(since: datetime, lanes: Mapping[str, str]) -> Held:
    """A tenant holds no slash: see `WireFormat.pack`."""
    read = {
        (tenant, mailbox): datetime.fromisoformat(moment)
        for lane, moment in lanes.items()
        for tenant, _, mailbox in [lane.partition("/")]
    }
    return Held(since=since, lanes=read)


async def _row(connection: Connection, query: str) -> Mapping[str, Any] | None:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchone()
