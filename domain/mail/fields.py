"""What the header fields of a message mean."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from postroom.domain.identity import normalise_message_id
from postroom.domain.mail.message import Address, Written
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
    date = _date(headers)
    return date.astimezone(UTC) if date else None


def written(headers: Headers) -> Written:
    """What the fields say, as the sender wrote it."""
    return Written(
        subject=subject(headers) if headers.all("subject") else None,
        message_id=_written_ids(headers, "message-id"),
        in_reply_to=_written_ids(headers, "in-reply-to"),
        references=_written_ids(headers, "references"),
        author=_addresses(headers, "from"),
        sender=_addresses(headers, "sender"),
        reply_to=_addresses(headers, "reply-to"),
        to=_addresses(headers, "to"),
        cc=_addresses(headers, "cc"),
        bcc=_addresses(headers, "bcc"),
        date=_date(headers),
    )


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
    """The ids in *value*, normalised."""
    return list(filter(_names_a_message, map(normalise_message_id, _candidates(value))))


def _written_ids(headers: Headers, name: str) -> tuple[str, ...] | None:
    bare = ("".join(each.split()).strip("<>") for each in _candidates(headers.get(name)))
    return tuple(filter(_names_a_message, bare)) or None


def _candidates(value: str) -> list[str]:
    """What may be ids. Some software wraps long ids in encoded words, or leaves brackets off."""
    text = decode_words(value)
    return _ID.findall(text) or [word for word in text.split() if "@" in word]


def _names_a_message(id_: str) -> bool:
    """What has nothing before its `@` names a host: it would tie strangers together."""
    return bool(id_.partition("@")[0]) and len(id_.encode()) <= MAX_ID


def _addresses(headers: Headers, name: str) -> tuple[Address, ...] | None:
    return recipients(headers, name) if headers.all(name) else None


def _date(headers: Headers) -> datetime | None:
    try:
        date = parsedate_to_datetime(headers.get("date")[:_MAX_DATE])
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        date.astimezone(UTC)  # which has no year 10,000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date
