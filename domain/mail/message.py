"""A message as read: what the sender wrote, told apart from how MIME wrapped it."""

from dataclasses import dataclass
from datetime import datetime

from postroom.domain.identity import MessageIdentity


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address with its display name (either may be empty in real mail)."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is a file. *content_id* has no angle brackets; *inline* if the body shows it."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What `read_message` finds. Ids are normalised and without brackets.

    *references* holds In-Reply-To and References together, oldest first, without repeats.
    *sent_at* is the sender's own Date, or None where that is missing or nonsense.
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
    html: str
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]
    defects: tuple[str, ...]
    content_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """A message of a mailbox, ready to be processed: who it is, what it says, its own bytes.

    *received_at* is the provider's time of arrival, never the sender's Date.
    """

    identity: MessageIdentity
    received_at: datetime
    raw: bytes
    message: Message
