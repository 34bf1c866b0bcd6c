"""The export of another system, for `postroom import`: see docs/migrating.md.

A JSON object a line. The first says what the file is; each mailbox is followed by what was handled
of it, so that no more than one is held at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from postroom.application.import_mailboxes import ExportedMailbox
from postroom.application.ports import AccountOption
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.export_values import Unseal, values_of
from postroom.entrypoints.cli.handled_file import identity_of
from postroom.entrypoints.cli.lines import (
    BadLine,
    InvalidLine,
    json_object,
    lines_of,
    moment_of,
    text_of,
)

VERSION = 1

MAX_HANDLED = 500_000
"""Of one mailbox."""

MAX_ID = 512
TYPES = ("export", "mailbox", "handled")

Options = Mapping[str, Sequence[AccountOption]]


@dataclass(slots=True)
class Entry:
    """A *mailbox* of the file (None: it cannot be read), where it begins, and its *bad* lines."""

    line: int
    mailbox: ExportedMailbox | None = None
    handled: dict[str, datetime] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    bad: list[BadLine] = field(default_factory=list)

    def add_handled(self, fields: Mapping[str, Any]) -> None:
        """Raises InvalidLine."""
        if self.mailbox is None:
            if self.bad:
                return  # that of the mailbox says enough
            raise InvalidLine("no mailbox stands before it")
        for name, mine in (("tenant", self.mailbox.tenant), ("mailbox", self.mailbox.id)):
            if fields.get(name, mine) != mine:
                raise InvalidLine(f"{name} is another one than of the mailbox before it")
        if len(self.handled) + len(self.ids) >= MAX_HANDLED:
            raise InvalidLine(f"the mailbox has more than {MAX_HANDLED} handled messages")
        handled_at = moment_of(fields, "handled_at")
        if fields.get("message_id"):
            name = identity_of(text_of(fields, "message_id"))
            self.handled[name] = max(handled_at, self.handled.get(name, handled_at))
        else:
            self.ids.add(_source_id(fields))

    def whole(self) -> "Entry":
        if self.mailbox:
            handled, ids = self.handled, frozenset(self.ids)
            self.mailbox = replace(self.mailbox, handled=handled, ids=ids)
        return self


@dataclass(frozen=True, slots=True)
class Export:
    """*handled_since* is from when on the file has all that was handled."""

    file: Path
    handled_since: datetime

    @classmethod
    def open(cls, file: Path) -> "Export":
        """Raises CommandFailed if it is no export, or of another version."""
        _, first = next(lines_of(file), (0, ""))
        try:
            return cls(file, _handled_since(first))
        except InvalidLine as error:
            raise CommandFailed(f"{file}: line 1: {error}") from None

    def entries(self, options: Options, unseal: Unseal) -> Iterator[Entry]:
        """Each mailbox with all that is listed of it; an unreadable line is in the entry before."""
        lines = lines_of(self.file)
        next(lines, None)
        entry = Entry(1)
        for number, line in lines:
            try:
                fields = _fields(line)
                if fields["type"] == "handled":
                    entry.add_handled(fields)
                    continue
                yield entry.whole()
                entry = Entry(number)
                entry.mailbox = _mailbox(fields, options, unseal)
            except InvalidLine as error:
                entry.bad.append(BadLine(number, str(error)))
        yield entry.whole()


def _handled_since(first: str | BadLine) -> datetime:
    """Raises InvalidLine."""
    fields = _fields(first)
    if fields["type"] != "export" or fields.get("version") != VERSION:
        raise InvalidLine(f"it is no export of version {VERSION}")
    return moment_of(fields, "handled_since")


def _fields(line: str | BadLine) -> Mapping[str, Any]:
    """With a `type`. Raises InvalidLine."""
    if isinstance(line, BadLine):
        raise InvalidLine(line.why)
    fields = json_object(line)
    if fields.get("type") not in TYPES:
        raise InvalidLine(f"type is none of: {', '.join(TYPES)}")
    return fields


def _mailbox(fields: Mapping[str, Any], options: Options, unseal: Unseal) -> ExportedMailbox:
    """Raises InvalidLine."""
    if fields["type"] != "mailbox":
        raise InvalidLine("a second export begins here")
    provider = text_of(fields, "provider")
    if provider not in options:
        raise InvalidLine(f"provider is none of: {', '.join(sorted(options))}")
    account, secrets = _part(fields, "account"), _part(fields, "secrets")
    positions = _part(fields, "positions")
    if not all(isinstance(position, str) for position in positions.values()):
        raise InvalidLine("positions: a position is a text")
    return ExportedMailbox(
        tenant=text_of(fields, "tenant", "default"),
        id=text_of(fields, "id"),
        address=text_of(fields, "address"),
        provider=provider,
        values=values_of(account, secrets, options[provider], unseal),
        positions=positions,
        paused=text_of(fields, "paused", ""),
    )


def _part(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name, {})
    if not isinstance(found, dict):
        raise InvalidLine(f"{name} is no JSON object")
    return found


def _source_id(fields: Mapping[str, Any]) -> str:
    found = text_of(fields, "source_id")
    if len(found) > MAX_ID:
        raise InvalidLine("source_id is too long")
    return found
