"""What a bounce reports: by its delivery status (RFC 3464), or by what servers write instead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from postroom.domain.mail import fields
from postroom.domain.mail.message import Message
from postroom.domain.mail.mime.addresses import read_addresses
from postroom.domain.mail.mime.headers import MAX_BLOCK, Headers, read_headers

MAX_RECIPIENTS = 100
MAX_DIAGNOSTIC = 500
"""Characters of what the other server said."""

_MAX_ADDRESS = 320
_MAX_REPORT = 1 << 18
_LOOKED_AT = 100_000

REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}
)

_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_PARAGRAPH = re.compile(r"^<([^<>\s]{1,320}@[^<>\s]{1,255})>:", re.MULTILINE)
_RETURNED_ID = re.compile(r"^message-id:[ \t]{0,9}(<[^<>\s]{1,998}>)", re.MULTILINE | re.IGNORECASE)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_DELAYED = re.compile(r"delay|warning|still being retried|verzöger|retard|demora", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """*action* and *status* as in RFC 3464 sections 2.3.3 and 2.3.4: `failed`, `5.1.1`."""

    address: str | None
    action: str | None
    status: str | None
    diagnostic: str | None


@dataclass(frozen=True, slots=True)
class Bounce:
    """*original_message_id* is normalised. *is_final*: it was not delivered to somebody.

    *has_more* says that it reports of more recipients than are here.
    """

    original_message_id: str | None
    is_final: bool
    recipients: tuple[BouncedRecipient, ...]
    has_more: bool = False


def bounce_of(message: Message) -> Bounce:
    """What *message* reports, which is a bounce."""
    recipients = tuple(_reported(message)) or tuple(_named(message))
    return Bounce(
        original_message_id=_returned_id(message) or None,
        is_final=_is_final(message, recipients),
        recipients=recipients[:MAX_RECIPIENTS],
        has_more=len(recipients) > MAX_RECIPIENTS,
    )


def has_report(message: Message) -> bool:
    return any(file.content_type in REPORTS for file in message.attachments)


def returns_a_message(message: Message) -> bool:
    return any(file.content_type in _RETURNED for file in message.attachments)


def _is_final(message: Message, recipients: tuple[BouncedRecipient, ...]) -> bool:
    actions = {recipient.action for recipient in recipients} - {None}
    if actions:
        return "failed" in actions
    return not _DELAYED.search(message.subject)


def _reported(message: Message) -> Iterator[BouncedRecipient]:
    for file in message.attachments:
        if file.content_type in REPORTS:
            groups = _groups(file.content[:_MAX_REPORT])
            yield from (_recipient(group) for group in groups if _is_of_recipient(group))


def _groups(report: bytes) -> Iterator[Headers]:
    """The groups of fields: one of the report itself, and one for each recipient."""
    at = 0
    for _ in range(2 * MAX_RECIPIENTS):
        group, after = read_headers(report, at, len(report), [])
        yield group
        if after <= at or after >= len(report):
            return
        at = after


def _is_of_recipient(group: Headers) -> bool:
    """RFC 3464 wants the final one in each; some servers write the original one alone."""
    return bool(group.get("final-recipient") or group.get("original-recipient"))


def _recipient(group: Headers) -> BouncedRecipient:
    status = _STATUS.search(group.get("status"))
    action = group.get("action").lower().partition(" ")[0][:20]
    diagnostic = _typed(group.get("diagnostic-code"))[:MAX_DIAGNOSTIC]
    return BouncedRecipient(
        address=_address(group.get("original-recipient")) or _address(group.get("final-recipient")),
        action=action or None,
        status=status[0] if status else None,
        diagnostic=diagnostic or None,
    )


def _address(value: str) -> str | None:
    """Of `rfc822; jo@example.org`. Original-Recipient may be in xtext (RFC 3461 section 4)."""
    address = _XTEXT.sub(r"%\1", _typed(value).replace("%", "%25"))
    return unquote(address).strip("<> ")[:_MAX_ADDRESS] or None


def _typed(value: str) -> str:
    """What follows the type, as in `smtp; 550 no such user`."""
    kind, semicolon, rest = value.partition(";")
    return (rest if semicolon else kind).strip()


def _named(message: Message) -> Iterator[BouncedRecipient]:
    """Those of whom a server says so in its own way; a status goes with one recipient alone."""
    text = message.text[:_LOOKED_AT]
    failed = Headers(message.headers).get("x-failed-recipients")
    addresses = [address.email for address in read_addresses(failed) if address.email]
    named = list(dict.fromkeys(addresses or _PARAGRAPH.findall(text)))
    status = _STATUS.search(text) if len(named) == 1 else None
    for address in named:
        yield BouncedRecipient(address[:_MAX_ADDRESS], None, status[0] if status else None, None)


def _returned_id(message: Message) -> str:
    """The id of the first message that is returned, whole, or its header, or in the text."""
    for file in message.attachments:
        if file.content_type in _RETURNED:
            returned, _ = read_headers(file.content, 0, min(len(file.content), MAX_BLOCK), [])
            return fields.message_id(returned)
    if found := _RETURNED_ID.search(message.text[:_LOOKED_AT]):
        return fields.message_id(Headers((("message-id", found[1]),)))
    return ""
