"""The dead letters on Redis. Each call takes one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from postroom.adapters.redis.scripts import Scripts, moment, rows
from postroom.adapters.redis.wire import UnreadableRecord, WireFormat
from postroom.application.dead_letter_pages import (
    LOOKED_AT,
    beginning,
    microseconds,
    moment_after,
    page_of,
)
from postroom.application.ports import DeadLetterPage
from postroom.domain.dead_letter import DeadLetter, DeadLetterFilter
from postroom.domain.pointer import PointerJob


@dataclass(frozen=True, slots=True)
class _History:
    """What settle.lua keeps of a dead letter. A reason has its time in milliseconds."""

    lane: str
    attempts: int
    reasons: list[tuple[int, str]]
    crashes: int = 0
    solo_crashes: int = 0


_histories = TypeAdapter(_History)


async def page(
    scripts: Scripts, wire: WireFormat, chosen: DeadLetterFilter, limit: int, after: str
) -> DeadLetterPage:
    before, since = beginning(chosen, after), chosen.died_after
    fields = await scripts.run(
        "dead_letters",
        microseconds(before) if before else "+inf",
        microseconds(since) if since else "-inf",
        LOOKED_AT,
    )
    return page_of([_read(wire, *row) for row in rows(fields, 4)], chosen, limit)


async def letter(scripts: Scripts, wire: WireFormat, job_id: str) -> DeadLetter | None:
    fields = await scripts.run("dead_letter", job_id)
    return _read(wire, *fields) if fields else None


async def redrive(scripts: Scripts, job_ids: Sequence[str]) -> Sequence[str]:
    return _those_there(job_ids, await scripts.run("redrive", *job_ids))


async def purge(scripts: Scripts, job_ids: Sequence[str]) -> Sequence[str]:
    return _those_there(job_ids, await scripts.run("purge", *job_ids))


def _those_there(job_ids: Sequence[str], were_there: Sequence[int]) -> Sequence[str]:
    return [name for name, was_there in zip(job_ids, were_there, strict=True) if was_there]


def _read(
    wire: WireFormat, job_id: bytes, died: bytes, record: bytes, history: bytes
) -> DeadLetter:
    known, name = _histories.validate_json(history), job_id.decode()
    tenant, _, mailbox = known.lane.partition("/")
    return DeadLetter(
        id=name,
        tenant=tenant,
        mailbox=mailbox,
        job=_job(wire, name, known.lane, record),
        attempts=known.attempts,
        crashes=known.crashes + known.solo_crashes,
        reasons=tuple((moment(at), reason) for at, reason in known.reasons),
        died_at=moment_after(int(died)),
    )


def _job(wire: WireFormat, job_id: str, lane: str, record: bytes) -> PointerJob | None:
    try:
        return wire.unpack(job_id, lane, record)
    except UnreadableRecord:
        return None
