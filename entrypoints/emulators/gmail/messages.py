"""A message, and the four forms in which Gmail shows one.

Source: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages.
Here a snippet is made for the forms alone that hold the parsed message.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message

from postroom.entrypoints.emulators.gmail.wire import Json, base64url

FORMS = ("minimal", "metadata", "full", "raw")
LONGEST_HEAD = 2**16
SNIPPET = 100

_ID = re.compile(rb"<[^<>\s]+>")
_IDS = re.compile(
    rb"^(message-id|in-reply-to|references):((?:.|\n[ \t])*)", re.IGNORECASE | re.MULTILINE
)


@dataclass
class StoredMessage:
    """*added_id* is the history id by which it came, *history_id* that of its last change."""

    id: str
    thread_id: str
    serial: int
    labels: tuple[str, ...]
    raw: bytes
    received_at: datetime
    added_id: int
    history_id: int

    @property
    def order(self) -> int:
        """Ascending with the time of arrival, and unique."""
        return self.milliseconds * 10**6 + self.serial

    @property
    def milliseconds(self) -> int:
        return round(self.received_at.timestamp() * 1000)

    def reference(self) -> Json:
        return {"id": self.id, "threadId": self.thread_id}

    def body(self, form: str, headers: Collection[str] = ()) -> Json:
        """*headers* are the ones that are wanted in the form `metadata`: all, if none."""
        body: Json = {
            **self.reference(),
            "labelIds": list(self.labels),
            "snippet": "",
            "historyId": str(self.history_id),
            "internalDate": str(self.milliseconds),
            "sizeEstimate": len(self.raw),
        }
        if form == "raw":
            return body | {"raw": base64url(self.raw)}
        if form == "minimal":
            return body
        parsed = message_from_bytes(self.raw)
        body["snippet"] = _snippet(parsed)
        if form == "full":
            return body | {"payload": _part(parsed, "")}
        wanted = {name.lower() for name in headers}
        shown = [each for each in _headers(parsed) if not wanted or each["name"].lower() in wanted]
        return body | {"payload": {"mimeType": parsed.get_content_type(), "headers": shown}}


def references_of(raw: bytes) -> tuple[str, list[str]]:
    """The Message-ID, and those that the message answers, the nearest last."""
    head = raw[:LONGEST_HEAD].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found: dict[bytes, list[str]] = {}
    for name, value in _IDS.findall(head):
        found[name.lower()] = [each.decode("ascii", "replace") for each in _ID.findall(value)]
    own = found.get(b"message-id", [])
    answered = found.get(b"references", []) + found.get(b"in-reply-to", [])
    return own[0] if own else "", answered


def _part(part: Message, part_id: str) -> Json:
    body: Json = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": part.get_filename() or "",
        "headers": _headers(part),
    }
    if part.is_multipart():
        parts = [each for each in part.get_payload() if isinstance(each, Message)]
        prefix = f"{part_id}." if part_id else ""
        shown = [_part(each, f"{prefix}{number}") for number, each in enumerate(parts)]
        return body | {"body": {"size": 0}, "parts": shown}
    content = _content(part)
    data = (
        {"attachmentId": f"ANGjdJ-{part_id}"} if body["filename"] else {"data": base64url(content)}
    )
    return body | {"body": {"size": len(content)} | data}


def _headers(part: Message) -> list[Json]:
    return [{"name": name, "value": _text(value)} for name, value in part.raw_items()]


def _snippet(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            text = _content(part).decode(errors="replace")
            return " ".join(text.split())[:SNIPPET]
    return ""


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(value: object) -> str:
    return str(value).encode(errors="surrogateescape").decode(errors="replace")
