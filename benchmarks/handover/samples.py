"""Messages of a few kilobytes, the mailbox that they come to, and who gets them."""

from datetime import UTC, datetime

from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.webhook.signing import generate_secret
from postroom.application.consume_job import as_inbound
from postroom.application.ports import FetchedMessage
from postroom.domain.account import Secret
from postroom.domain.handover.application import Application
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mail.reader import read_message
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import PointerJob, job_id

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

TEXT = "The parcel has arrived, and one of the two boxes is dented at a corner.\r\n" * 20


def mailbox(name: str, application: str = "") -> Mailbox:
    account = MicrosoftAccount(
        directory="contoso.example",
        client_id="postroom",
        credentials=ClientSecret(Secret("secret")),
        user=f"{name}@postroom.example",
    )
    return Mailbox(
        tenant=name,
        id="mail",
        address=account.user,
        account=account,
        added_at=NOON,
        application=application,
    )


def inbound(name: str) -> InboundMessage:
    """Of that name, as a provider has given it, and as it was read."""
    mail = (
        f"From: Ann <ann@sender.example>\r\nTo: Help <help@postroom.example>\r\n"
        f"Subject: Order {name}\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\n"
        f"Message-ID: <{name}@sender.example>\r\n\r\n{TEXT}"
    )
    raw = mail.encode()
    return as_inbound(FetchedMessage(f"microsoft:{name}", raw, NOON), read_message(raw))


def job(mailbox: Mailbox, name: str) -> PointerJob:
    pointer = MicrosoftPointer("", name)
    return PointerJob(
        id=job_id(mailbox.tenant, mailbox.id, pointer),
        tenant=mailbox.tenant,
        mailbox=mailbox.id,
        pointer=pointer,
        enqueued_at=NOON,
    )


def application(name: str, url: str) -> Application:
    """Of the installation, with the defaults."""
    return Application(
        tenant="", name=name, destination=url, secrets=(generate_secret(),), added_at=NOON
    )
