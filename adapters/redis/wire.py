"""The wire format: what of a job lies in Redis, as a JSON array that begins with its version.

The id, the tenant and the mailbox are not in it: they are the keys that it lies under. Names of
fields are not in it either: a million queued jobs would repeat them a million times.

Version 2 holds the version, the provider, when the job was queued (microseconds since 1970), the
traceparent, whether it was backfilled, and what the pointer packs. Version 1, which had no
backfilled jobs, is still read.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Union

from pydantic import ConfigDict, Discriminator, Tag, TypeAdapter, ValidationError

from postroom.domain.pointer import InvalidPointer, Pointer, PointerJob

MAX_BYTES = 32 * 1024
"""Of one record. The longest that there can be, with 500 message ids, takes 11 KiB."""

VERSION = 2
"""Raised by whatever changes what a record holds: to a release that does not know it, it is newer.
"""

_HEADERS: Mapping[int, tuple[Any, ...]] = {1: (int, str), 2: (int, str, bool)}
"""The types of what stands between the provider and the pointer, by version."""

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_lists: TypeAdapter[list[Any]] = TypeAdapter(list[Any])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_PROVIDER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class UnreadableRecord(ValueError):
    """What lies in Redis is no record of ours; the message says why, without quoting it."""


class NewerRecord(UnreadableRecord):
    """A record for another release: of a later version, or of a provider that is not in this one.

    A release that is rolled out meets those of the next, and must leave them to it.
    """


def lane_of(tenant: str, mailbox: str) -> str:
    return f"{tenant}/{mailbox}"


class WireFormat:
    """Of jobs with the types of *pointers*, by provider."""

    def __init__(self, pointers: Mapping[str, type[Pointer]]) -> None:
        self._pointers = pointers
        self._records = _records_of(pointers)

    def pack(self, job: PointerJob) -> tuple[str, str, bytes]:
        """The id, the lane and the record of *job*. Raises InvalidPointer."""
        if "/" in job.tenant or "/" in job.mailbox:
            raise InvalidPointer("tenant and mailbox must not hold a slash")
        pointer, at = job.pointer, (job.enqueued_at - _EPOCH) // _MICROSECOND
        header = VERSION, pointer.provider, at, job.traceparent, job.backfilled
        try:
            record = _encode((*header, *pointer.packed())).encode()
        except UnicodeEncodeError as error:
            raise InvalidPointer("a text of the job holds half a surrogate pair") from error
        if len(record) > MAX_BYTES:
            raise InvalidPointer(f"the job takes more than {MAX_BYTES} bytes")
        return job.id, lane_of(job.tenant, job.mailbox), record

    def unpack(self, job_id: str, lane: str, record: bytes | None) -> PointerJob:
        """The job that was packed. Raises UnreadableRecord; NewerRecord, if it is for another."""
        if len(record or b"") > MAX_BYTES:
            raise UnreadableRecord(f"unreadable record: more than {MAX_BYTES} bytes")
        try:
            version, provider, at, traceparent, *rest = self._records.validate_json(record or b"")
            backfilled = bool(version > 1 and rest.pop(0))
            pointer = self._pointers[provider].unpacked(rest)
            enqueued_at = _EPOCH + timedelta(microseconds=at)
        except ValidationError as error:
            raise self._refusal(error, record or b"") from error
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
            traceparent=traceparent,
            backfilled=backfilled,
        )

    def _refusal(self, error: ValidationError, record: bytes) -> UnreadableRecord:
        """Says where and what, never the value: it may be anything."""
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"].startswith("union_tag") and (whose := self._another_release(record)):
            return NewerRecord(whose)
        places = [str(place) for place in first["loc"]]
        return UnreadableRecord(" ".join(["unreadable record:", *places, first["type"]]))

    def _another_release(self, record: bytes) -> str:
        """What of *record* another release may know; empty if it is a record of none."""
        try:
            read = _lists.validate_json(record)
        except ValidationError:
            return ""
        match read:
            case [int(version), *_] if version > VERSION:
                return f"record of a newer release (version {version})"
            case [int(version), str(name), *_] if version in _HEADERS and self._lacks(name):
                return f"this release of Postroom has no provider {name}"
        return ""

    def _lacks(self, name: str) -> bool:
        return _PROVIDER.fullmatch(name) is not None and name not in self._pointers


def _records_of(pointers: Mapping[str, type[Pointer]]) -> TypeAdapter[tuple[Any, ...]]:
    records: Any = Union[tuple(_kinds_of(pointers))]  # noqa: UP007 - it is made as we run
    return TypeAdapter(Annotated[records, Discriminator(_tag)], config=ConfigDict(strict=True))


def _kinds_of(pointers: Mapping[str, type[Pointer]]) -> Iterator[Any]:
    array: Any = tuple
    for name, pointer in pointers.items():
        for version, header in _HEADERS.items():
            types = Literal[version], Literal[name], *header, *pointer.packed_types()
            yield Annotated[array[types], Tag(f"{name}/{version}")]


def _tag(record: Any) -> str | None:  # noqa: ANN401 - whatever was found
    return f"{record[1]}/{record[0]}" if isinstance(record, list) and len(record) > 1 else None
