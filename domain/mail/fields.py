"""What the header fields of a message mean."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from postroom.domain.identity import normalise_message_id
from postroom.domain.mail.message import Address
from postroom.domain.mail.mime.addresses import read_addresses
from postroom.domain.mail.mime.encoded_words import decode_words
from postroom.domain.mail.mime.headers import MAX_VALUE, Headers

MAX_ID = 998
"""Bytes of a message id: no more than a line may have (RFC 5322 section 2.1.1)."""

MAX_REFERENCES = 100
"""References that are kept: the oldest, which opened the conversation, and the newest."""

_MAX_DATE = 100
_MAX_AUTHORS = 10_000
_ID = re.compile(r"<[^<>]+>")


def subject(headers: Headers) -> str:
    return decode_words(headers.get("subject"))


def sender(headers: Headers) -> Address:
    """The first author, or whoever sent it where there is none (RFC 5322 section 3.6.2)."""
    for name in ("from", "sender", "return-path"):
        if addresses := read_addresses(headers.get(name)[:_MAX_AUTHORS]):
            return next((a for a in addresses if a.email), addresses[0])
    return Address("", "")


def recipients(headers: Headers, name: str) -> tuple[Address, ...]:
    """The addresses in the fields called *name*, of which some software writes several."""
    return read_addresses(", ".join(headers.all(name))[:MAX_VALUE])


def sent_at(headers: Headers) -> datetime | None:
    """Date as UTC, or None if it is no date. One without a zone is taken for UTC."""
    try:
        date = parsedate_to_datetime(headers.get("date")[:_MAX_DATE])
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def message_id(headers: Headers) -> str:
    """The normalised Message-ID, or empty if there is none that could be one."""
    return next(iter(_ids(headers.get("message-id"))), "")


def references(headers: Headers) -> tuple[str, ...]:
    """References and In-Reply-To, oldest first, without repeats and without the message itself."""
    found = dict.fromkeys(_ids(headers.get("references")))
    found |= dict.fromkeys(_ids(headers.get("in-reply-to")))
    found.pop(message_id(headers), None)
    ids = tuple(found)
    return ids if len(ids) <= MAX_REFERENCES else (ids[0], *ids[1 - MAX_REFERENCES :])


def _ids(value: str) -> list[str]:
    """The ids in *value*. Some software wraps long ids in encoded words, or leaves brackets off.

    What has nothing before its `@` names a host and no message: it would tie strangers together.
    """
    text = decode_words(value)
    candidates = _ID.findall(text) or [word for word in text.split() if "@" in word]
    ids = (normalise_message_id(candidate) for candidate in candidates)
    return [id_ for id_ in ids if id_.partition("@")[0] and len(id_.encode()) <= MAX_ID]
