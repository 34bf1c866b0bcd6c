"""The mail itself in a body, in the terms of RFC 8621 section 4.1.

What is cut is named in *cuts*, by its path in `data`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from postroom.domain.handover import body_limits as limits
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from postroom.domain.handover.body_json import fitting, size, utc, with_offset
from postroom.domain.handover.body_links import Links
from postroom.domain.handover.body_parts import body_parts
from postroom.domain.handover.body_types import Email, EmailAddress, EmailHeader
from postroom.domain.mail.message import Address, InboundMessage
from postroom.domain.mail.preview import preview_of


def body_email(
    inbound: InboundMessage,
    links: Links,
    accepted: Acceptance,
    options: BodyOptions,
    *,
    own_text: str,
    cuts: list[str],
) -> Email:
    """*own_text* is the text without what is surely quoted."""
    message, written = inbound.message, inbound.message.written
    keywords = inbound.hints.keywords
    room = _Room(cuts)
    return {
        "id": accepted.key,
        "blobId": hashlib.sha256(inbound.raw).hexdigest(),
        "size": len(inbound.raw),
        "keywords": {word[: limits.MAX_NAME]: True for word in keywords[: limits.MAX_LABELS]},
        "receivedAt": utc(inbound.received_at),
        "sentAt": with_offset(written.date) if written.date else None,
        "messageId": _ids("messageId", written.message_id, cuts),
        "inReplyTo": _ids("inReplyTo", written.in_reply_to, cuts),
        "references": _ids("references", written.references, cuts),
        "sender": room.addresses("sender", written.sender),
        "from": room.addresses("from", written.author),
        "replyTo": room.addresses("replyTo", written.reply_to),
        "to": room.addresses("to", written.to),
        "cc": room.addresses("cc", written.cc),
        "bcc": room.addresses("bcc", written.bcc),
        "subject": _subject(written.subject, cuts),
        "preview": preview_of(own_text),
        "hasAttachment": any(not file.inline for file in message.attachments),
        "headers": _headers(message.raw_headers, options, cuts),
        "attachments": body_parts(message.attachments, links, accepted, options, cuts),
    }


def _ids(name: str, written: Sequence[str] | None, cuts: list[str]) -> list[str] | None:
    """The first, which opened the conversation, and as many of the newest as there is room for."""
    if written is None:
        return None
    chosen: list[str] = fitting((*written[:1], *written[:0:-1]), limits.MAX_IDS_SIZE)
    if len(chosen) < len(written):
        cuts.append(f"email.{name}")
    return [*chosen[:1], *chosen[:0:-1]]


def _subject(subject: str | None, cuts: list[str]) -> str | None:
    if subject is None or len(subject) <= limits.MAX_SUBJECT:
        return subject
    cuts.append("email.subject")
    return subject[: limits.MAX_SUBJECT]


def _headers(
    fields: Sequence[tuple[str, str]], options: BodyOptions, cuts: list[str]
) -> list[EmailHeader]:
    every: list[EmailHeader] = [{"name": name, "value": value} for name, value in fields]
    chosen: list[EmailHeader] = [] if options.thin else fitting(every, limits.MAX_HEADERS)
    if len(chosen) < len(every):
        cuts.append("email.headers")
    return chosen


@dataclass(slots=True)
class _Room:
    """What is left for addresses, in all fields together."""

    cuts: list[str]
    left: int = limits.MAX_ADDRESSES
    bytes_left: int = limits.MAX_ADDRESSES_SIZE

    def addresses(self, field: str, written: Sequence[Address] | None) -> list[EmailAddress] | None:
        if written is None:
            return None
        every = (_address(each) for each in written if len(each.email) <= limits.MAX_ADDRESS)
        chosen: list[EmailAddress] = fitting(every, self.bytes_left, most=self.left)
        self.left -= len(chosen)
        self.bytes_left -= size(chosen)
        if len(chosen) < len(written) or any(len(each.name) > limits.MAX_NAME for each in written):
            self.cuts.append(f"email.{field}")
        return chosen


def _address(address: Address) -> EmailAddress:
    return {"name": address.name[: limits.MAX_NAME] or None, "email": address.email}
