"""When a message came in, read from its own trace fields."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_HEAD = 256 * 1024
"""Bytes in which the trace fields must begin; they stand on top."""

_EMPTY_LINE = re.compile(rb"^\r?\n", re.MULTILINE)
_RECEIVED = re.compile(rb"^received:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)


def received_at(raw: bytes) -> datetime | None:
    """The date of the topmost Received field, in UTC, or None where there is none to be read.

    RFC 5321 section 4.4: each host that takes a message over puts its own field on top, so the
    topmost is of the mailbox's own Exchange server, and not of the sender. It spares the second
    call that `receivedDateTime` would cost.
    """
    head = _EMPTY_LINE.split(raw[:_HEAD], maxsplit=1)[0]
    if not (field := _RECEIVED.search(head)):
        return None
    _, _, date = field[1].decode("ascii", "replace").rpartition(";")
    try:
        moment = parsedate_to_datetime(date.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
