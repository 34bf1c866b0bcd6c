"""Messages that lie in their mailboxes, and the notices that are sent of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer, job_id
from tests.simulation.mailboxes import EPOCH
from tests.simulation.plan import PASSING, Mail, Nature

LARGE = 60 * 1024
"""Bytes of a message that is too large."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider posts to us; *subscription* is what it names, if it does."""

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    subscription: str = ""


@dataclass
class Arrived:
    """*pointer* is how it is listed. *told_at* is when a notice of it was taken."""

    mail: Mail
    mailbox: Mailbox
    pointer: Pointer
    told_at: float | None = None

    @property
    def identity(self) -> str:
        return f"rfc5322:{self.mail.number}@sender.example"

    @property
    def at(self) -> datetime:
        return EPOCH + timedelta(seconds=self.mail.at)

    @property
    def job(self) -> str:
        return job_id(self.mailbox.tenant, self.mailbox.id, self.pointer)

    def ails(self, now: float) -> Nature:
        """What is the matter with it at that moment."""
        nature, ends = self.mail.nature, self.mail.at + self.mail.degree
        if nature in PASSING:
            return nature if now < ends else Nature.ORDINARY
        if nature is Nature.DELETED:
            return nature if now >= ends else Nature.ORDINARY
        return nature

    def __str__(self) -> str:
        return f"mail {self.mail.number} ({self.mail.nature}) of {self.mail.lane}"


def raw(mail: Mail, mailbox: Mailbox) -> bytes:
    """What lies there. A tenth is an answer to the message before it: tickets have comments."""
    answered = f"In-Reply-To: <{mail.number - 1}@sender.example>\r\n"
    padding = "x" * LARGE if mail.nature is Nature.TOO_LARGE else ""
    return (
        f"From: a@sender.example\r\nTo: {mailbox.address}\r\nSubject: {mail.number}\r\n"
        f"Message-ID: <{mail.number}@sender.example>\r\n"
        f"{answered if mail.number % 10 == 9 else ''}\r\nHello {padding}\r\n"
    ).encode()
