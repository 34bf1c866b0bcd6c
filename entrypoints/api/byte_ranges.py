"""Part of a representation: Range, If-Range and If-None-Match (RFC 9110 sections 13 and 14)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ONE_RANGE = re.compile(
    r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))[ \t]*", re.IGNORECASE
)
_TAG = re.compile(r'(?:W/)?("[!#-~]*")')

OK, PARTIAL, NOT_MODIFIED, UNSATISFIABLE = 200, 206, 304, 416


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes from *start* to *end* are sent, under *status*; none if that is an error."""

    status: int
    start: int
    end: int
    headers: Mapping[str, str]


def answer(headers: Mapping[str, str], etag: str, size: int) -> Answer:
    """What a GET with *headers* (names in lower case) gets of the *size* bytes under *etag*.

    *etag* is strong, and the only validator. Several ranges are answered as if none was wanted, as
    is what cannot be read.
    """
    always = {"ETag": etag, "Accept-Ranges": "bytes"}
    if _is_known(headers.get("if-none-match", ""), etag):
        return Answer(NOT_MODIFIED, 0, 0, always)
    span = _span(headers.get("range", ""), size)
    if span is None or headers.get("if-range", etag).strip() != etag:
        return Answer(OK, 0, size, always)
    start, end = span
    if start >= end:
        return Answer(UNSATISFIABLE, 0, 0, always | {"Content-Range": f"bytes */{size}"})
    return Answer(
        PARTIAL, start, end, always | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    )


def _is_known(known: str, etag: str) -> bool:
    """By the weak comparison (RFC 9110 section 13.1.2)."""
    return known.strip() == "*" or etag in _TAG.findall(known)


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """Where the range begins and ends; at once, if it holds nothing. None if there is none."""
    found = _ONE_RANGE.fullmatch(wanted)
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        # An empty representation has no last bytes to be named (RFC 9110 section 14.1.2).
        return (max(size - int(suffix), 0), size) if size else None
    start, end = int(first), min(int(last) + 1, size) if last else size
    return None if last and int(last) < start else (start, end)
