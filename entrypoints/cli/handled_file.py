"""The list of what another system has handled: CSV with a header, or a JSON object a line."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postroom.domain.handover.comparison import BY_MESSAGE_ID, Result, Theirs
from postroom.domain.identity import normalise_message_id
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.lines import (
    BadLine,
    InvalidLine,
    json_object,
    lines_of,
    moment_of,
    text_of,
)

MAX_RECORDS = 500_000

NEEDED = ("message_id", "mailbox", "handled_at")
"""Beside these there may be `result`."""


@dataclass(slots=True)
class HandledFile:
    records: list[Theirs] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


def read_handled(file: Path) -> HandledFile:
    """Raises CommandFailed if it cannot be read, is neither, or has too many lines."""
    found = HandledFile()
    for number, line in _objects(file):
        if isinstance(line, BadLine):
            found.bad.append(line)
            continue
        if len(found.records) == MAX_RECORDS:
            raise CommandFailed(f"{file} has more than {MAX_RECORDS} records: split it by mailbox")
        try:
            found.records.append(_record(number, line))
        except InvalidLine as error:
            found.bad.append(BadLine(number, str(error)))
    return found


def _objects(file: Path) -> Iterator[tuple[int, Mapping[str, Any] | BadLine]]:
    """What each line says, by the names of the fields. The first one shows which kind it is."""
    is_first, header = True, None
    for number, line in lines_of(file):
        if isinstance(line, BadLine):
            yield number, line
        elif is_first and not line.startswith("{"):
            header = _header(file, line)
        else:
            yield number, _object(number, line, header)
        is_first = False


def _header(file: Path, line: str) -> list[str]:
    names = [name.strip().lower() for name in next(csv.reader([line]))]
    if missing := [name for name in NEEDED if name not in names]:
        raise CommandFailed(
            f"{file} begins neither with a JSON object nor with the names of its columns:"
            f" {', '.join(missing)} missing"
        )
    return names


def _object(number: int, line: str, header: list[str] | None) -> Mapping[str, Any] | BadLine:
    if header is None:
        try:
            return json_object(line)
        except InvalidLine as error:
            return BadLine(number, str(error))
    try:
        values = next(csv.reader([line], strict=True))
    except csv.Error:
        return BadLine(number, "it is not CSV")
    if len(values) != len(header):
        return BadLine(number, f"it has {len(values)} columns, and the first line {len(header)}")
    return dict(zip(header, values, strict=True))


def _record(number: int, fields: Mapping[str, Any]) -> Theirs:
    """Raises InvalidLine."""
    mailbox = text_of(fields, "mailbox").strip().lower()
    if "@" not in mailbox:
        raise InvalidLine("mailbox is no address")
    return Theirs(
        line=number,
        identity=identity_of(text_of(fields, "message_id")),
        mailbox=mailbox,
        handled_at=moment_of(fields, "handled_at"),
        result=_result(text_of(fields, "result", "")),
    )


def identity_of(message_id: str) -> str:
    """The name that the identity has here of a message with that Message-ID.

    Raises InvalidLine if it holds none.
    """
    normalised = normalise_message_id(message_id)
    if not normalised:
        raise InvalidLine("message_id is empty")
    return BY_MESSAGE_ID + normalised


def _result(text: str) -> Result:
    try:
        return Result(text.strip().lower() or Result.HANDLED)
    except ValueError:
        raise InvalidLine(f"result is none of: {', '.join(Result)}") from None
