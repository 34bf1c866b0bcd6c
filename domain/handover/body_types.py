"""The body of a handover, as the application gets it: names and types of RFC 8621 for the mail.

Properties are added within a version, and never removed or given another type. The published
schema is made of these types: what is said of one stands there as its description.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

from postroom.domain.handover import body_limits as limits
from postroom.domain.mail.authentication import Verified
from postroom.domain.mail.automated import AutomatedKind
from postroom.domain.mail.message import TextFrom
from postroom.domain.mail.preview import MAX_PREVIEW


@dataclass(frozen=True, slots=True)
class Says:
    """What the schema says of a property beside its type. *length* is in characters."""

    text: str = ""
    length: int | None = None
    items: int | None = None
    time: bool = False


Time = Annotated[str, Says(time=True)]
Names = list[str]


class Mailbox(TypedDict):
    """The mailbox that received the message."""

    id: str
    address: str
    provider: str
    folder: str | None


class Identity(TypedDict):
    """What makes the message one of a kind. The sender chooses the Message-ID, hence the digest."""

    name: str
    digest: Annotated[str, Says("SHA-256, in hex, of the decoded content.")]
    normalisedMessageId: str | None


class Source(TypedDict):
    """What the provider calls the message, and what it thinks that belongs together.

    It is as it was when the message was fetched, and as far as that says it without another call.
    """

    id: Annotated[str, Says(length=limits.MAX_SOURCE)]
    threadId: Annotated[str | None, Says("Null if unknown.", length=limits.MAX_SOURCE)]
    threadIndex: Annotated[str | None, Says("The header field.", length=limits.MAX_SOURCE)]
    labels: Annotated[list[str], Says("In the provider's terms.", items=limits.MAX_LABELS)]
    folder: str | None


class Thread(TypedDict):
    """Normalised message ids, as the sender has them: a stranger can name any."""

    root: str | None
    parent: str | None
    token: Annotated[
        str | None,
        Says("The verified reply token, which nobody can forge; null as long as none is sent."),
    ]


class EmailAddress(TypedDict):
    """RFC 8621 section 4.1.2.3. `email` is empty where the sender wrote a name alone."""

    name: Annotated[str | None, Says(length=limits.MAX_NAME)]
    email: Annotated[str, Says(length=limits.MAX_ADDRESS)]


class EmailHeader(TypedDict):
    """A header field in raw form (RFC 8621 section 4.1.2.1), with its folding."""

    name: str
    value: str


class EmailBodyPart(TypedDict):
    """A part that is a file (RFC 8621 section 4.1.4)."""

    partId: Annotated[str, Says("Its part number (RFC 9051 section 6.4.5).")]
    blobId: Annotated[str, Says("SHA-256 of the decoded content, in hex.")]
    size: Annotated[int, Says("Bytes of the decoded content.")]
    name: Annotated[
        str | None, Says("No separators, no control characters.", length=limits.MAX_NAME)
    ]
    type: str
    charset: str | None
    disposition: Annotated[
        str | None, Says("`inline` if the HTML shows it, and only then; else as the sender says.")
    ]
    cid: str | None
    language: list[str] | None
    location: str | None
    detectedType: Annotated[str | None, Says("By its first bytes; null if it is no known type.")]
    withheld: Annotated[
        Literal["size", "count", "policy"] | None, Says("Why it cannot be fetched, if it cannot.")
    ]
    content: Annotated[str | None, Says("Base64, if it is small enough for the application.")]
    url: Annotated[str | None, Says("Where it is; null if it is withheld.")]


_Author = TypedDict("_Author", {"from": list[EmailAddress] | None})


class Email(_Author):
    """The message (RFC 8621 section 4.1): null where there is no such header field."""

    id: Annotated[str, Says("The key.")]
    blobId: Annotated[str, Says("SHA-256 of the message, in hex.")]
    size: Annotated[int, Says("Bytes of the message.")]
    keywords: Annotated[dict[str, bool], Says("When it was fetched, as far as is known.")]
    receivedAt: Time
    sentAt: Annotated[str | None, Says("With the sender's own offset from UTC.", time=True)]
    messageId: Annotated[list[str] | None, Says("As the sender wrote it, to be quoted.")]
    inReplyTo: list[str] | None
    references: Annotated[list[str] | None, Says("The first and the newest, if there are many.")]
    sender: list[EmailAddress] | None
    to: list[EmailAddress] | None
    cc: list[EmailAddress] | None
    bcc: list[EmailAddress] | None
    replyTo: list[EmailAddress] | None
    subject: Annotated[str | None, Says(length=limits.MAX_SUBJECT)]
    preview: Annotated[str, Says(length=MAX_PREVIEW)]
    hasAttachment: Annotated[bool, Says("Whether there is a file that the HTML does not show.")]
    headers: Annotated[list[EmailHeader], Says("In order, at most 128 KiB: cut from the end.")]
    attachments: Annotated[list[EmailBodyPart], Says(items=limits.MAX_ATTACHMENTS)]


class Envelope(TypedDict):
    """What the last server noted of SMTP. `mailFrom` is empty for the null path."""

    mailFrom: str | None
    rcptTo: list[str] | None
    tag: Annotated[str | None, Says("What stands after `+` in the mailbox's own address.")]


class OriginalHtml(TypedDict):
    """The HTML as it was sent: hostile, until it is sanitised."""

    url: str
    size: int


class Content(TypedDict):
    """One text and one HTML, whatever the parts of the message."""

    text: Annotated[str, Says("At most 256 KiB; made from the HTML where there is no text.")]
    textFrom: TextFrom
    html: Annotated[str | None, Says("Sanitised, and at most 512 KiB: else null.")]
    originalHtml: OriginalHtml | None
    truncated: Annotated[list[str], Says("Paths in `data` of what was cut or left out.")]
    textUrl: Annotated[str, Says("The whole text.")]


class Reply(TypedDict):
    """The three hold every line of the text that is not blank. If it is not `sure`, show it all."""

    text: str
    quoted: str
    signature: str | None
    sure: bool


class MailingList(TypedDict):
    """RFC 2919, and the URIs of RFC 2369."""

    id: str | None
    unsubscribe: list[str]


class BouncedRecipient(TypedDict):
    """RFC 3464 section 2.3."""

    address: str | None
    action: str | None
    status: str | None
    diagnostic: str | None


class Bounce(TypedDict):
    """What was not delivered, or not yet. The id is normalised."""

    originalMessageId: str | None
    final: bool
    recipients: list[BouncedRecipient]


class Automated(TypedDict):
    """Whether a program wrote the message. `evidence` names header fields."""

    kind: AutomatedKind
    evidence: Names  # below, `list` is a property
    loop: Annotated[bool, Says("An X-Loop field names the mailbox.")]
    list: MailingList | None
    bounce: Bounce | None


class Spf(TypedDict):
    """RFC 7208."""

    result: str
    domain: str | None


class Dkim(TypedDict):
    """RFC 6376."""

    result: str
    domain: str | None
    selector: str | None


class Dmarc(TypedDict):
    """RFC 7489."""

    result: str
    domain: str | None
    policy: str | None


class Arc(TypedDict):
    """RFC 8617."""

    result: str


class Authentication(TypedDict):
    """What a server that the operator trusts has found (RFC 8601)."""

    authservId: str | None
    verdict: Verified
    fromAligned: Annotated[bool, Says("A domain that has passed is the author's.")]
    spf: Spf | None
    dkim: list[Dkim]
    dmarc: Dmarc | None
    arc: Arc | None


class Raw(TypedDict):
    """The message as the provider gave it."""

    url: str
    size: int
    sha256: str


class Replay(TypedDict):
    """The handover whose message is handed over again, as a new one."""

    of: str
    number: int


class Data(TypedDict):
    """A message that is handed over. Receivers ignore properties that they do not know."""

    version: Literal[1]
    key: Annotated[str, Says("The same in every call: keep it with the effect.")]
    keepKeyUntil: Annotated[str, Says("No call is repeated after this.", time=True)]
    tenant: str
    application: str
    sequence: Annotated[int | None, Says("Grows by one a message of an ordered mailbox.")]
    replay: Replay | None
    mailbox: Mailbox
    identity: Identity
    source: Source
    thread: Thread
    email: Email
    envelope: Envelope
    content: Content
    reply: Annotated[Reply | None, Says("Null if the message answers nothing, or is cut.")]
    automated: Automated
    authentication: Annotated[Authentication | None, Says("Null: nobody trustworthy said it.")]
    raw: Raw
    defects: Annotated[list[str], Says("What was wrong with the MIME.")]


class MailReceived(TypedDict):
    """One message, handed over to the application: the body of a POST, the same in each call."""

    type: Literal["mail.received"]
    timestamp: Annotated[str, Says("When it was accepted.", time=True)]
    data: Data
