"""What lies in a folder of the IMAP server of imap_server.py: to be searched, and rendered."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.parser import BytesHeaderParser

_SECTION = r"BODY(?P<peek>\.PEEK)?\[(?P<section>[^\]]*)\]"
_ITEM = re.compile(rf"UID|FLAGS|INTERNALDATE|RFC822\.SIZE|{_SECTION}", re.IGNORECASE)


@dataclass
class StoredMessage:
    raw: bytes
    received_at: datetime
    flags: set[str] = field(default_factory=set)

    def header(self, name: str) -> str:
        return str(BytesHeaderParser().parsebytes(self.raw).get(name, ""))

    def section(self, section: str) -> bytes:
        if fields := re.fullmatch(r"HEADER\.FIELDS \((.*)\)", section, re.IGNORECASE):
            wanted = fields[1].lower().split()
            headers = BytesHeaderParser().parsebytes(self.raw).items()
            lines = [f"{name}: {text}\r\n" for name, text in headers if name.lower() in wanted]
            return "".join([*lines, "\r\n"]).encode()
        return self.raw


@dataclass
class Folder:
    uid_validity: int
    uid_next: int = 1
    messages: dict[int, StoredMessage] = field(default_factory=dict)

    def add(self, message: StoredMessage) -> int:
        uid = self.uid_next
        self.messages[uid] = message
        self.uid_next += 1
        return uid


@dataclass(frozen=True)
class Entry:
    """A message as a session knows it."""

    number: int
    uid: int
    message: StoredMessage


def number_set(text: str, numbers: Sequence[int]) -> set[int]:
    """RFC 3501 section 9, sequence-set: `n:*` holds the last message even if n is beyond it."""
    last, wanted = max(numbers, default=0), set[int]()
    for part in text.split(","):
        ends = sorted(last if end == "*" else int(end) for end in part.split(":"))
        wanted.update(number for number in numbers if ends[0] <= number <= ends[-1])
    return wanted


def search(entries: Sequence[Entry], keys: Sequence[str]) -> list[Entry]:
    """The entries that match all keys (RFC 3501 section 6.4.4). Raises ValueError for others."""
    found, rest = list(entries), list(keys)
    while rest:
        key = rest.pop(0).upper()
        if key == "UID":
            wanted = number_set(rest.pop(0), [entry.uid for entry in entries])
            found = [entry for entry in found if entry.uid in wanted]
        elif key == "SINCE":
            day = datetime.strptime(f"{rest.pop(0)} +0000", "%d-%b-%Y %z").date()
            found = [entry for entry in found if entry.message.received_at.date() >= day]
        elif key == "HEADER":
            name, text = rest.pop(0), rest.pop(0).lower()
            found = [entry for entry in found if text in entry.message.header(name).lower()]
        elif key != "ALL":
            raise ValueError(f"unknown search key {key}")
    return found


def render(entry: Entry, items: str, *, by_uid: bool, read_only: bool) -> bytes:
    """The data items of a FETCH response, in the order asked for; BODY[] sets the \\Seen flag."""
    requested = list(_ITEM.finditer(items))
    parts = [_render_item(entry, item, read_only=read_only) for item in requested]
    if by_uid and "UID" not in (item[0].upper() for item in requested):
        parts.insert(0, b"UID %d" % entry.uid)
    return b"* %d FETCH (%s)" % (entry.number, b" ".join(parts))


def _render_item(entry: Entry, item: re.Match[str], *, read_only: bool) -> bytes:
    message, name = entry.message, item[0].upper()
    if name == "UID":
        return b"UID %d" % entry.uid
    if name == "FLAGS":
        return f"FLAGS ({' '.join(sorted(message.flags))})".encode()
    if name == "INTERNALDATE":
        return f'INTERNALDATE "{message.received_at:%d-%b-%Y %H:%M:%S %z}"'.encode()
    if name == "RFC822.SIZE":
        return b"RFC822.SIZE %d" % len(message.raw)
    if not item["peek"] and not read_only:
        message.flags.add(r"\Seen")
    content = message.section(item["section"])
    return f"BODY[{item['section']}] {{{len(content)}}}\r\n".encode() + content
