"""Reading the dead letters: a page of them at a time, newest first."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from adapters.redis.scripts import Scripts, moment, rows
from adapters.redis.wire import UnreadableRecord, unpack
from application.ports import DeadLetter
from domain.pointer import ImapPointer, PointerJob

PAGE = 100


@dataclass(frozen=True, slots=True)
class _History:
    """What settle.lua keeps of a dead letter. A reason has its time in milliseconds."""

    lane: str
    attempts: int
    reasons: list[tuple[int, str]]


_histories = TypeAdapter(_History)


async def newest(scripts: Scripts) -> AsyncIterator[DeadLetter]:
    """All of them, newest first, read as far as they are wanted."""
    start = 0
    while page := await scripts.run("dead_letters", start, start + PAGE - 1):
        for job_id, record, history in rows(page, 3):
            yield _read(job_id.decode(), record, _histories.validate_json(history))
        start += PAGE


def _read(job_id: str, record: bytes, history: _History) -> DeadLetter:
    reasons = tuple((moment(at), reason) for at, reason in history.reasons)
    return DeadLetter(
        job=_job(job_id, history.lane, record, died_at=reasons[-1][0]),
        attempts=history.attempts,
        reasons=reasons,
        died_at=reasons[-1][0],
    )


def _job(job_id: str, lane: str, record: bytes, *, died_at: datetime) -> PointerJob:
    try:
        return unpack(job_id, lane, record)
    except UnreadableRecord:
        # The port has no dead letter without a job. Its reason says that it cannot be read.
        tenant, _, mailbox = lane.partition("/")
        unknown = ImapPointer(folder="unreadable", uid=1, uid_validity=1)
        return PointerJob(
            id=job_id, tenant=tenant, mailbox=mailbox, pointer=unknown, enqueued_at=died_at
        )
