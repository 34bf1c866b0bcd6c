"""Whether a program wrote a message, and why it did: so that none answers another for ever.

Each kind has a rule, which finds the header fields that show it. The first that finds any counts:
reports say what they are by their MIME type, and a program that answers by fields of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from postroom.domain.mail import automated_fields, automated_reports
from postroom.domain.mail.bounce import Bounce, bounce_of
from postroom.domain.mail.mailing_list import MailingList, mailing_list_of
from postroom.domain.mail.message import Message
from postroom.domain.mail.mime.headers import Headers


class AutomatedKind(StrEnum):
    NONE = "none"
    AUTO_REPLIED = "auto-replied"  # RFC 3834
    AUTO_GENERATED = "auto-generated"  # RFC 3834
    AUTO_NOTIFIED = "auto-notified"  # RFC 5436
    VACATION = "vacation"
    BOUNCE = "bounce"  # RFC 3464
    READ_RECEIPT = "read-receipt"  # RFC 8098
    COMPLAINT = "complaint"  # RFC 5965
    LIST = "list"  # RFC 2919
    CHALLENGE = "challenge"


_RULES = (
    (AutomatedKind.BOUNCE, automated_reports.bounce),
    (AutomatedKind.READ_RECEIPT, automated_reports.read_receipt),
    (AutomatedKind.COMPLAINT, automated_reports.complaint),
    (AutomatedKind.CHALLENGE, automated_fields.challenge),
    (AutomatedKind.VACATION, automated_fields.vacation),
    (AutomatedKind.AUTO_REPLIED, automated_fields.auto_replied),
    (AutomatedKind.AUTO_NOTIFIED, automated_fields.auto_notified),
    (AutomatedKind.AUTO_GENERATED, automated_fields.auto_generated),
    (AutomatedKind.LIST, automated_fields.mailing_list),
    (AutomatedKind.AUTO_GENERATED, automated_fields.bulk),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Automated:
    """*evidence* names header fields. *is_loop*: the mailbox's own mail has come back to it."""

    kind: AutomatedKind
    evidence: tuple[str, ...]
    is_loop: bool
    mailing_list: MailingList | None
    bounce: Bounce | None


def automated_of(message: Message, own_address: str) -> Automated:
    """What *message* shows; a program that answers for *own_address* writes it into X-Loop."""
    headers = Headers(message.headers)
    kind, evidence = _kind_of(message, headers)
    return Automated(
        kind=kind,
        evidence=tuple(evidence),
        is_loop=own_address.lower() in map(str.lower, headers.all("x-loop")),
        mailing_list=mailing_list_of(headers),
        bounce=bounce_of(message) if kind is AutomatedKind.BOUNCE else None,
    )


def _kind_of(message: Message, headers: Headers) -> tuple[AutomatedKind, Sequence[str]]:
    for kind, rule in _RULES:
        if evidence := rule(message, headers):
            return kind, evidence
    return AutomatedKind.NONE, ()
