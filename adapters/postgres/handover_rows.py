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
from postroom.adapters.postgres.together import Statement
from postroom.domain.events.of_messages import event_of_end
from postroom.domain.handover.answer import Answer, as_dict
from postroom.domain.handover.ending import outcome_of
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.settling import Key
from postroom.domain.outcome import Final, name_of

_FIELDS = [field.name for field in fields(Handover)]


def handover_of(row: Mapping[str, Any]) -> Handover:
    return Handover(**{**{name: row[name] for name in _FIELDS}, "state": State(row["state"])})


def handovers_of(found: Iterable[Mapping[str, Any]]) -> Mapping[Key, Handover]:
    return {(row["tenant"], row["key"]): handover_of(row) for row in found}


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
    return saved_by_key(await rows(connection, *saving(application, changed, answers, now)))


def saving(
    application: str, changed: Sequence[Handover], answers: Mapping[Key, Answer], now: datetime
) -> Statement:
    """What `save` does."""
    ends = [outcome_of(each) for each in changed]
    events = [end and event_of_end(each, end, now) for each, end in zip(changed, ends, strict=True)]
    values = {
        **_keys(application, changed),
        **_columns([values_of(each) for each in changed], queries.CHANGES),
        "last_answer": [_stored(answers.get(key_of(each)), now) for each in changed],
        "outcome": [end and name_of(end) for end in ends],
        "detail": [end and _detail(end) for end in ends],
        "event_id": [event and event.id for event in events],
        "event_type": [event and event.type.value for event in events],
        "event_data": [event and Jsonb(event.data) for event in events],
        "now": now,
    }
    return queries.SAVE, values


def saved_by_key(saved: Iterable[Mapping[str, Any]]) -> Mapping[Key, Mapping[str, Any]]:
    return {(row["tenant"], row["key"]): row for row in saved}


def locking(application: str, handovers: Sequence[Handover]) -> Statement:
    """*handovers* as they are stored now, and stay until the transaction ends."""
    return queries.LOCK, _keys(application, handovers)


def deleting_taken(application: str, handovers: Sequence[Handover]) -> Statement:
    """Those that were handed over, where nobody looks such up any more: of events."""
    return queries.DELETE_TAKEN, _keys(application, handovers)


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
