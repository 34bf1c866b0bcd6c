"""A message as read: what the sender wrote, told apart from how MIME wrapped it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postroom.domain.identity import MessageIdentity
from postroom.domain.mail.trusted_servers import NOBODY, TrustedServers


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address with its display name (either may be empty in real mail)."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is a file. *content_id* has no angle brackets; *inline* if the body shows it.

    *filename* is ours unless it *is_named*. *part* is its part number (RFC 9051 section 6.4.5). The
    rest is what the sender says of it, or empty: the terms are those of RFC 8621 section 4.1.4.
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False
    is_named: bool = False
    part: str = ""
    charset: str = ""
    disposition: str = ""
    languages: tuple[str, ...] = ()
    location: str = ""


class TextFrom(StrEnum):
    """What the text of a message was made from."""

    PLAIN = "plain"
    HTML = "html"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What header fields say as the sender wrote it: the parsed forms of RFC 8621 section 4.1.2.

    None where there is no such field, and where no id or no date can be read in it. Ids are without
    brackets and not normalised. *date* has the sender's own offset from UTC.
    """

    subject: str | None
    message_id: tuple[str, ...] | None
    in_reply_to: tuple[str, ...] | None
    references: tuple[str, ...] | None
    author: tuple[Address, ...] | None
    sender: tuple[Address, ...] | None
    reply_to: tuple[Address, ...] | None
    to: tuple[Address, ...] | None
    cc: tuple[Address, ...] | None
    bcc: tuple[Address, ...] | None
    date: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What `read_message` finds. Ids are normalised and without brackets.

    *references* holds In-Reply-To and References together, oldest first, without repeats.
    *sent_at* is the sender's own Date, or None where that is missing or nonsense.
    *text* is made from the HTML where the sender wrote no plain text: *text_from* says so.
    *headers* are decoded; *raw_headers* are as they were sent, with their folding.
    *defects* names what was wrong with the MIME; a message with defects is still a message.
    *content_digest* is over decoded content, since a provider may rebuild the MIME for each.
    """

    message_id: str
    references: tuple[str, ...]
    subject: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    sent_at: datetime | None
    text: str
    text_from: TextFrom
    html: str
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]
    raw_headers: tuple[tuple[str, str], ...]
    written: Written
    defects: tuple[str, ...]
    content_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHints:
    """What the provider says of a message beside its bytes, as far as it does. It may be wrong.

    *id* is its name of the message, where that is not what follows the provider in the source.
    *labels* are in its own terms, and *keywords* in those of RFC 8621 section 4.1.1.
    """

    id: str = ""
    thread_id: str = ""
    labels: tuple[str, ...] = ()
    folder: str = ""
    keywords: tuple[str, ...] = ()


NO_HINTS = SourceHints()


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """A message of a mailbox, ready to be processed: who it is, what it says, its own bytes.

    *received_at* is the provider's time of arrival, never the sender's Date. *trusted* are those
    whose word on its sender counts, in its mailbox.
    """

    identity: MessageIdentity
    received_at: datetime
    raw: bytes
    message: Message
    hints: SourceHints = NO_HINTS
    trusted: TrustedServers = NOBODY
