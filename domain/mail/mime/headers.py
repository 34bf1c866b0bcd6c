"""The header fields of a message or part, read past whatever is wrong with some of them."""

import re
from dataclasses import dataclass

from postroom.domain.mail.mime.charsets import clean_line, decode
from postroom.domain.mail.mime.encoded_words import decode_words

MAX_BLOCK = 1 << 20
"""Bytes of header fields that are looked at in one part."""

MAX_FIELDS = 1_000
MAX_VALUE = 1 << 16
"""Bytes of one field's value that are kept."""

_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")  # RFC 5322 2.2, and the space of obs-optional
_LINE_END = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}\"?([\w.:-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headers:
    """Fields in order, unfolded, with encoded words as they came; *as_sent* has their bytes."""

    fields: tuple[tuple[str, str], ...] = ()
    as_sent: tuple[bytes, ...] = ()

    def get(self, name: str) -> str:
        """The first value of *name* (lower case) that is not empty, or empty."""
        return next((value for key, value in self.fields if value and key.lower() == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of *name* (lower case)."""
        return [value for key, value in self.fields if key.lower() == name]

    def decoded(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, decode_words(value)) for name, value in self.fields)

    def raw(self) -> tuple[tuple[str, str], ...]:
        """Values as they were sent, with their folding: the raw form of RFC 8621 4.1.2.1."""
        values = (value.replace(b"\0", b"").decode(errors="replace") for value in self.as_sent)
        return tuple((name, value) for (name, _), value in zip(self.fields, values, strict=False))


def read_headers(source: bytes, start: int, end: int, defects: list[str]) -> tuple[Headers, int]:
    """The header fields at *start* of *source*, and where the body after them begins."""
    limit = min(end, start + MAX_BLOCK)
    if nothing := _LINE_END.match(source, start, limit):
        return Headers(), nothing.end()
    blank = _BLANK_LINE.search(source, start, limit)
    block_end, body = blank.span() if blank else (limit, limit)
    if not blank and limit < end:
        defects.append("headers too long")
    lines = source[start:block_end].split(b"\n")
    fields, used = _fields(lines, defects)
    if used < len(lines):
        defects.append("no blank line after the headers")
        body = start + sum(len(line) + 1 for line in lines[:used])
    as_sent = tuple(_as_sent(lines) for _, *lines in fields[:MAX_FIELDS])
    return Headers(_decode(fields, defects), as_sent), body


def _as_sent(lines: list[bytes]) -> bytes:
    return b"\n".join(lines).removesuffix(b"\r")[:MAX_VALUE]


def _fields(lines: list[bytes], defects: list[str]) -> tuple[list[list[bytes]], int]:
    """The fields in *lines*, each as name, value and folded lines, and how many lines they took.

    A line that is no field is passed over if fields follow it. If none does, or if it looks like
    a boundary, someone forgot the blank line and the body begins there.
    """
    fields: list[list[bytes]] = []
    stray: int | None = None
    for index, line in enumerate(lines):
        if line.startswith(b"--"):
            return fields, index if stray is None else stray
        if field := _NAME.match(line):
            if stray is not None:
                defects.append("malformed header line")
                stray = None
            fields.append([field[1], line[field.end() :]])
        elif stray is None and fields and line[:1] in (b" ", b"\t"):
            fields[-1].append(line)
        elif stray is None and line.strip():
            stray = index
    return fields, len(lines) if stray is None else stray


def _decode(fields: list[list[bytes]], defects: list[str]) -> tuple[tuple[str, str], ...]:
    if len(fields) > MAX_FIELDS:
        defects.append("too many headers")
    declared = _declared_charset(fields)
    decoded = []
    for name, *lines in fields[:MAX_FIELDS]:
        value = b"".join(line.removesuffix(b"\r") for line in lines)
        if len(value) > MAX_VALUE:
            defects.append("header too long")
        text = _text(value[:MAX_VALUE], declared)
        decoded.append((name.decode("ascii"), clean_line(text)))
    return tuple(decoded)


def _text(value: bytes, declared: str) -> str:
    """Raw 8-bit values are UTF-8 (RFC 6532); older software used the charset of the body."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return decode(value, declared, [])


def _declared_charset(fields: list[list[bytes]]) -> str:
    values = (b"".join(lines) for name, *lines in fields if name.lower() == b"content-type")
    charsets = (_CHARSET.search(value[:MAX_VALUE]) for value in values)
    return next((found[1].decode("ascii") for found in charsets if found), "")
