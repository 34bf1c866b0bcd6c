"""Handovers as they are stored: read, saved many at once, and their ends recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from psycopg.types.json import Json, Jsonb

from postroom.adapters.postgres import handover_queries as queries
from postroom.adapters.postgres.connection import Connection
from postroom.adapters.postgres.rows import rows
from postroom.adapters.postgres.text import storable
from postroom.domain.events.of_messages import event_of_end
from postroom.domain.handover.answer import Answer, as_dict
from postroom.domain.handover.ending import outcome_of
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.settling import Key
from postroom.domain.outcome import Final, name_of

_FIELDS = [field.name for field in fields(Handover)]


def handover_of(row: Mapping[str, Any]) -> Handover:
    return Handover(**{**{name: row[name] for name in _FIELDS}, "state": State(row["state"])})


def values_of(handover: Handover) -> dict[str, Any]:
    return {**{name: getattr(handover, name) for name in _FIELDS}, "state": handover.state.value}


def key_of(handover: Handover) -> Key:
    return handover.tenant, handover.key


async def save(
    connection: Connection,
    application: str,
    changed: Sequence[Handover],
    answers: Mapping[Key, Answer],
    now: datetime,
) -> Mapping[Key, Mapping[str, Any]]:
    """Store *changed*, with the answers that changed them, and record the ends.

    Returns `body` (as it is stored) and `traceparent` of each; a body is there where it is called
    with from now on.
    """
    if not changed:
        return {}
    values = _columns([values_of(each) for each in changed], queries.CHANGES)
    answered = [_stored(answers.get(key_of(each)), now) for each in changed]
    keys = _keys(application, changed)
    saved = await rows(connection, queries.SAVE, {**keys, **values, "last_answer": answered})
    await _record_ends(connection, application, changed, now)
    return {(row["tenant"], row["key"]): row for row in saved}


async def locked(
    connection: Connection, application: str, handovers: Sequence[Handover]
) -> Mapping[Key, Handover]:
    """*handovers* as they are stored now, and stay until the transaction ends."""
    found = await rows(connection, queries.LOCK, _keys(application, handovers))
    return {(row["tenant"], row["key"]): handover_of(row) for row in found}


async def delete_taken(
    connection: Connection, application: str, handovers: Sequence[Handover]
) -> None:
    """Those that were handed over, where nobody looks such up any more: of events."""
    await connection.execute(queries.DELETE_TAKEN, _keys(application, handovers))


async def _record_ends(
    connection: Connection, application: str, changed: Sequence[Handover], now: datetime
) -> None:
    ends = [(each, outcome) for each in changed if (outcome := outcome_of(each))]
    if ends:
        events = [event_of_end(each, outcome, now) for each, outcome in ends]
        values = {
            **_keys(application, [each for each, _ in ends]),
            "outcome": [name_of(outcome) for _, outcome in ends],
            "detail": [_detail(outcome) for _, outcome in ends],
            "event_id": [event.id for event in events],
            "event_type": [event.type.value for event in events],
            "event_data": [Jsonb(event.data) for event in events],
            "now": now,
        }
        await connection.execute(queries.RECORD_ENDS, values)


def _detail(outcome: Final) -> Json:
    """An application has said the texts in it."""
    return Json(
        {
            name: storable(value) if isinstance(value, str) else value
            for name, value in asdict(outcome).items()
        }
    )


def _keys(application: str, handovers: Sequence[Handover]) -> dict[str, Any]:
    return {
        "application": application,
        "tenant": [each.tenant for each in handovers],
        "key": [each.key for each in handovers],
    }


def _columns(found: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in found] for name in names}


def _stored(answer: Answer | None, now: datetime) -> Json | None:
    return Json({**as_dict(answer), "at": now.isoformat()}) if answer else None
