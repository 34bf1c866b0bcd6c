"""What is read out of an IMAP server's responses (RFC 3501 section 7)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise

from postroom.adapters.imap.folder_names import decode_folder_name

Lines = list[bytes | bytearray]
"""A response in lines; literals stand apart as bytearrays, after the line that announces them."""

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

_FETCH = re.compile(rb"\d+ FETCH \(", re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_INTERNALDATE = re.compile(rb'\bINTERNALDATE "([^"]+)"', re.IGNORECASE)
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)", re.IGNORECASE)
_ITEMS = (_UID, _SIZE, _INTERNALDATE, _FLAGS)
_LIST = re.compile(rb'\(([^)]*)\) (?:"(?:[^"\\]|\\.)*"|NIL) (.+)', re.IGNORECASE)
_CANNOT_BE_OPENED = {b"\\NOSELECT", b"\\NONEXISTENT"}
_QUOTED_BODY = re.compile(rb'\bBODY\[[^\]]*\] "((?:[^"\\]|\\.)*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FetchData:
    """One FETCH response: what it says of a message, each None if it does not say."""

    uid: int | None
    size: int | None
    received_at: datetime | None
    content: bytes | None
    flags: tuple[str, ...] = ()


def fetch_data(lines: Lines) -> Iterator[FetchData]:
    """The FETCH responses among *lines*; the last line is the tagged one."""
    starts = [i for i, line in enumerate(lines) if _is_text(line) and _FETCH.match(line)]
    for start, end in pairwise([*starts, len(lines) - 1]):
        yield _fetch_data(lines[start:end])


def _fetch_data(lines: Lines) -> FetchData:
    text = b"".join(line for line in lines if _is_text(line))
    literals = [bytes(line) for line in lines if not _is_text(line)]
    quoted = _QUOTED_BODY.search(text)
    content = _unescaped(quoted[1]) if quoted else None
    said = _QUOTED_BODY.sub(b"", text)  # a message may hold what looks like an item
    uid, size, moment, flags = (pattern.search(said) for pattern in _ITEMS)
    return FetchData(
        uid=int(uid[1]) if uid else None,
        size=int(size[1]) if size else None,
        received_at=_moment(moment[1]) if moment else None,
        content=literals[0] if literals else content,
        flags=tuple(flags[1].decode("ascii", "replace").split()) if flags else (),
    )


def search_result(lines: Lines) -> tuple[int, ...]:
    """The numbers of the SEARCH responses, ascending; the last line is the tagged one."""
    return tuple(sorted({int(number) for line in lines[:-1] for number in line.split()}))


def folder_names(lines: Lines) -> Iterator[str]:
    """The names in the LIST responses (section 7.2.2) of the folders that can be opened."""
    for line, following in pairwise(lines):
        match = _LIST.fullmatch(line) if _is_text(line) else None
        if match and not _CANNOT_BE_OPENED.intersection(match[1].upper().split()):
            # A literal follows the line that announces it.
            name = _unquoted(match[2]) if _is_text(following) else bytes(following)
            yield decode_folder_name(name.decode("utf-8", "replace"))


def response_code(lines: Lines, name: str) -> int | None:
    """The number in a code such as `[UIDVALIDITY 7]`, if there is one."""
    pattern = re.compile(rb"\[%s (\d+)\]" % name.encode(), re.IGNORECASE)
    return next((int(match[1]) for line in lines if (match := pattern.search(line))), None)


def imap_date(day: date) -> str:
    """RFC 3501 section 9, date: `1-Jan-2030`, whatever the locale."""
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04}"


def _unquoted(text: bytes) -> bytes:
    return _unescaped(text[1:-1]) if text.startswith(b'"') else text


def _unescaped(text: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", text)


def _is_text(line: bytes | bytearray) -> bool:
    return isinstance(line, bytes)


def _moment(text: bytes) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text.decode("ascii", "replace"))
    except ValueError:
        return None
    # A zone of -0000 (not known) is read as no zone.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
