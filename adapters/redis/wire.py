"""The wire form: what of a job lies in Redis, as a JSON array that begins with its version.

The id, the tenant and the mailbox are not in it: they are the keys that it lies under. Names of
fields are not in it either: a million queued jobs would repeat them a million times.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, assert_never

from pydantic import ConfigDict, Discriminator, Tag, TypeAdapter, ValidationError

from postroom.domain.pointer import (
    GooglePointer,
    ImapPointer,
    InvalidPointer,
    MicrosoftPointer,
    Pointer,
    PointerJob,
)

MAX_BYTES = 32 * 1024
"""Of one record. A Gmail notification with 500 message ids, the most there can be, takes 11 KiB."""

VERSION = 1

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Of each: the version, the provider, when it was queued (microseconds since 1970), the traceparent,
# and the fields of the pointer. A resource that ends with the message id lies there without it, as
# an array of one.
_Microsoft = tuple[Literal[1], Literal["microsoft"], int, str, str, str, str | tuple[str]]
_Google = tuple[Literal[1], Literal["google"], int, str, int, str, str, tuple[str, ...]]
_Imap = tuple[Literal[1], Literal["imap"], int, str, str, int, int, str]


def _provider(record: Any) -> str | None:  # noqa: ANN401 - whatever was found
    return record[1] if isinstance(record, list) and len(record) > 1 else None


_Record = Annotated[
    Annotated[_Microsoft, Tag("microsoft")]
    | Annotated[_Google, Tag("google")]
    | Annotated[_Imap, Tag("imap")],
    Discriminator(_provider),
]
_records: TypeAdapter[_Microsoft | _Google | _Imap] = TypeAdapter(
    _Record, config=ConfigDict(strict=True)
)


class UnreadableRecord(ValueError):
    """What lies in Redis is no record of ours; the message says why, without quoting it."""


def lane_of(tenant: str, mailbox: str) -> str:
    return f"{tenant}/{mailbox}"


def pack(job: PointerJob) -> tuple[str, str, bytes]:
    """The id, the lane and the record of *job*. Raises InvalidPointer."""
    if "/" in job.tenant or "/" in job.mailbox:
        raise InvalidPointer("tenant and mailbox must not hold a slash")
    at = (job.enqueued_at - _EPOCH) // _MICROSECOND
    fields = VERSION, job.pointer.provider, at, job.traceparent, *_fields_of(job.pointer)
    try:
        record = _encode(fields).encode()
    except UnicodeEncodeError as error:
        raise InvalidPointer("a text of the job holds half a surrogate pair") from error
    if len(record) > MAX_BYTES:
        raise InvalidPointer(f"the job takes more than {MAX_BYTES} bytes")
    return job.id, lane_of(job.tenant, job.mailbox), record


def _fields_of(pointer: Pointer) -> tuple[object, ...]:
    match pointer:
        case MicrosoftPointer(subscription, message, resource):
            cut = resource.removesuffix(message)
            return subscription, message, resource if cut == resource else (cut,)
        case GooglePointer(history, address, pubsub, messages):
            return history, address, pubsub, messages
        case ImapPointer(folder, uid, validity, message):
            return folder, uid, validity, message
        case _:
            assert_never(pointer)


def unpack(job_id: str, lane: str, record: bytes | None) -> PointerJob:
    """The job that was packed. Raises UnreadableRecord."""
    if len(record or b"") > MAX_BYTES:
        raise UnreadableRecord(f"unreadable record: more than {MAX_BYTES} bytes")
    try:
        known = _records.validate_json(record or b"")
        pointer = _pointer_of(known)
        enqueued_at = _EPOCH + timedelta(microseconds=known[2])
    except ValidationError as error:
        raise UnreadableRecord(_reason_of(error)) from error
    except InvalidPointer as error:  # it names the field, not the value
        raise UnreadableRecord(f"unreadable record: {error}") from error
    except OverflowError as error:
        raise UnreadableRecord("unreadable record: no such time") from error
    tenant, _, mailbox = lane.partition("/")
    return PointerJob(
        id=job_id,
        tenant=tenant,
        mailbox=mailbox,
        pointer=pointer,
        enqueued_at=enqueued_at,
        traceparent=known[3],
    )


def _pointer_of(record: _Microsoft | _Google | _Imap) -> Pointer:
    match record:
        case (_, "microsoft", _, _, subscription, message, str(resource)):
            return MicrosoftPointer(subscription, message, resource)
        case (_, "microsoft", _, _, subscription, message, (cut,)):
            return MicrosoftPointer(subscription, message, cut + message)
        case (_, "google", _, _, history, address, pubsub, messages):
            return GooglePointer(history, address, pubsub, messages)
        case (_, "imap", _, _, folder, uid, validity, message):
            return ImapPointer(folder, uid, validity, message)
        case _:
            assert_never(record)


def _reason_of(error: ValidationError) -> str:
    """Says where and what, never the value: it may be anything."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    places = [str(place) for place in first["loc"]]
    return " ".join(["unreadable record:", *places, first["type"]])
