"""The wire form: what of a job lies in Redis, as JSON with a version.

The id, the tenant and the mailbox are not in it: they are the keys that it lies under.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError

from domain.pointer import InvalidPointer, Pointer, PointerJob

MAX_BYTES = 32 * 1024
"""Of one record. A Gmail notice with 500 message ids, the most there can be, takes 11 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", strict=True)

    v: Literal[1]
    pointer: Annotated[Pointer, Field(discriminator="provider")]
    enqueued_at: AwareDatetime
    traceparent: str


_records = TypeAdapter(_Record)


class UnreadableRecord(ValueError):
    """What lies in Redis is no record of ours; the message says why, without quoting it."""


def lane_of(tenant: str, mailbox: str) -> str:
    return f"{tenant}/{mailbox}"


def pack(job: PointerJob) -> tuple[str, str, bytes]:
    """The id, the lane and the record of *job*. Raises InvalidPointer."""
    if "/" in job.tenant or "/" in job.mailbox:
        raise InvalidPointer("tenant and mailbox must not hold a slash")
    record = _records.dump_json(
        _Record(
            v=1,
            pointer=job.pointer,
            enqueued_at=job.enqueued_at,
            traceparent=job.traceparent,
        )
    )
    if len(record) > MAX_BYTES:
        raise InvalidPointer(f"the job takes more than {MAX_BYTES} bytes")
    return job.id, lane_of(job.tenant, job.mailbox), record


def unpack(job_id: str, lane: str, record: bytes) -> PointerJob:
    """The job that was packed. Raises UnreadableRecord."""
    if len(record) > MAX_BYTES:
        raise UnreadableRecord(f"unreadable record: more than {MAX_BYTES} bytes")
    try:
        known = _records.validate_json(record)
    except ValidationError as error:
        raise UnreadableRecord(_reason_of(error)) from error
    tenant, _, mailbox = lane.partition("/")
    return PointerJob(
        id=job_id,
        tenant=tenant,
        mailbox=mailbox,
        pointer=known.pointer,
        enqueued_at=known.enqueued_at,
        traceparent=known.traceparent,
    )


def _reason_of(error: ValidationError) -> str:
    """Names only fields of ours: the name of a foreign one may be anything."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    ours = [place for place in first["loc"] if place in _Record.__annotations__]
    return " ".join(["unreadable record:", *map(str, ours), first["type"]])
