"""Files of lines that another system has written: read with bounds, and errors by line number."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from postroom.entrypoints.cli.errors import CommandFailed

MAX_LINE = 64 * 1024
"""Bytes."""

SHOWN = 20
"""Lines that are named one by one."""


class InvalidLine(ValueError):
    """What is wrong with a line: the name of a field, and never its value."""


@dataclass(frozen=True, slots=True)
class BadLine:
    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


def lines_of(file: Path) -> Iterator[tuple[int, str | BadLine]]:
    """Each line that is not empty, with its number. Raises CommandFailed."""
    try:
        with file.open("rb") as opened:
            for number, raw in enumerate(_bounded(opened), 1):
                if raw.strip():
                    yield number, _decoded(number, raw)
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error.strerror}") from None


def _bounded(opened: BinaryIO) -> Iterator[bytes]:
    """Of a longer line only so much that this can be seen."""
    while raw := opened.readline(MAX_LINE + 1):
        yield raw
        rest = raw
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = opened.readline(MAX_LINE + 1)


def _decoded(number: int, raw: bytes) -> str | BadLine:
    if len(raw) > MAX_LINE:
        return BadLine(number, f"it is longer than {MAX_LINE} bytes")
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError:
        return BadLine(number, "it is not UTF-8")


def json_object(text: str) -> Mapping[str, Any]:
    """Raises InvalidLine."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidLine("it is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidLine("it is not a JSON object")
    return found


def text_of(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Raises InvalidLine if it is missing, empty (without a *default*), or no text."""
    value = fields.get(name, default)
    if not isinstance(value, str) or (not value and default is None):
        raise InvalidLine(f"{name} is missing, or no text")
    return value


def moment_of(fields: Mapping[str, Any], name: str) -> datetime:
    """Raises InvalidLine."""
    try:
        return moment(text_of(fields, name))
    except ValueError:
        raise InvalidLine(
            f"{name} is no time with its zone, such as 2026-11-26T09:14:07Z"
        ) from None


def moment(text: str) -> datetime:
    """Of ISO 8601, in UTC. Raises ValueError if it is none, or says nothing of its zone."""
    found = datetime.fromisoformat(text.strip())
    if found.tzinfo is None:
        raise ValueError("no zone")
    return found.astimezone(UTC)


def summary(bad: Sequence[BadLine], what: str = "read") -> str:
    """In one line: how many cannot be *what*, and the first of them."""
    lines = "1 line" if len(bad) == 1 else f"{len(bad)} lines"
    named = "; ".join(map(str, bad[:SHOWN]))
    return f"{lines} cannot be {what}: {named}{'; …' if len(bad) > SHOWN else ''}"
