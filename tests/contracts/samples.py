"""Values that the contract suites file away, each with only what matters in the test given."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.account import (
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
    MicrosoftCredentials,
)
from postroom.application.ports import IdempotencyLedger, OutcomeRecord
from postroom.domain.account import Secret
from postroom.domain.helpdesk.ticket import Comment, Document
from postroom.domain.identity import MessageIdentity
from postroom.domain.mail.message import Address
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Effect, Final
from postroom.domain.pointer import Pointer, PointerJob
from postroom.domain.subscription import Subscription

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)

IMAP = ImapAccount(
    host="imap.acme.example",
    port=143,
    username="support",
    password=Secret("imap-password"),
    security=Security.STARTTLS,
    folders=("INBOX", "Anfragen/Möbel"),
)


JOB = PointerJob(
    id="j1",
    tenant="acme",
    mailbox="support",
    pointer=ImapPointer("INBOX", 1, 1),
    enqueued_at=NOON,
)
"""For a processor, which need not care what has led to a message."""


def imap_mailbox(tenant: str = "acme", name: str = "support", address: str = "") -> Mailbox:
    return Mailbox(
        tenant=tenant,
        id=name,
        address=address or f"{name}@{tenant}.example",
        account=IMAP,
        added_at=NOON,
    )


def microsoft_mailbox(
    tenant: str = "acme",
    name: str = "sales",
    credentials: MicrosoftCredentials = ClientSecret(Secret("microsoft-client-secret")),  # noqa: B008 - it is immutable
    folders: tuple[str, ...] = ("inbox",),
) -> Mailbox:
    account = MicrosoftAccount(
        directory="directory-1",
        client_id="client-1",
        credentials=credentials,
        user="sales@acme.example",
        folders=folders,
    )
    address = f"{name}@{tenant}.example"
    return Mailbox(tenant=tenant, id=name, address=address, account=account, added_at=NOON)


def certified_mailbox() -> Mailbox:
    credentials = ClientCertificate(Secret("microsoft-certificate"))
    return microsoft_mailbox(name="orders", credentials=credentials)


def delegated_mailbox() -> Mailbox:
    credentials = DelegatedAccess(Secret("microsoft-refresh-token"))
    return microsoft_mailbox(name="shared", credentials=credentials)


def google_mailbox(
    tenant: str = "acme",
    name: str = "info",
    subscription: str = "projects/p/subscriptions/s",
    address: str = "Info@acme.example",
) -> Mailbox:
    account = GoogleAccount(
        service_account=Secret('{"private_key": "google-private-key"}'),
        pubsub_subscription=subscription,
        push_service_account="push@p.iam.gserviceaccount.com",
    )
    return Mailbox(tenant=tenant, id=name, address=address, account=account, added_at=NOON)


def subscription(name: str = "subscription-1") -> Subscription:
    return Subscription(
        id=name,
        secret_digest="5e" * 32,
        endpoint="https://postroom.acme.example/webhooks/microsoft",
        created_at=NOON,
        renewed_at=NOON + timedelta(hours=1, microseconds=1),
        expires_at=NOON + timedelta(days=3),
    )


def watch(name: str = "watch-1") -> Subscription:
    """One without a secret, that goes to a topic, and that its provider wants renewed daily."""
    return Subscription(
        id=name,
        endpoint="projects/p/topics/t",
        created_at=NOON,
        renewed_at=NOON,
        expires_at=NOON + timedelta(days=7),
        renew_every=timedelta(days=1),
        announced=True,
    )


def identity(
    name: str = "rfc5322:1@sender.example", source: str = "imap:INBOX:1:1", digest: str = "d1"
) -> MessageIdentity:
    return MessageIdentity(name, source, digest)


@asynccontextmanager
async def failing_block(ledger: IdempotencyLedger, mailbox: Mailbox) -> AsyncIterator[None]:
    """A ledger block that fails after what is done in it."""
    with suppress(ZeroDivisionError):
        async with ledger.once(mailbox, identity()):
            yield
            raise ZeroDivisionError


def comment(
    message_id: str,
    *references: str,
    minutes: int = 0,
    digest: str = "digest",
    documents: tuple[Document, ...] = (),
) -> Comment:
    return Comment(
        identity=f"rfc5322:{message_id}",
        digest=digest,
        message_id=message_id,
        references=references,
        author=Address("Ann", "ann@sender.example"),
        subject=f"About {message_id}",
        text="Hello",
        html="<p>Hello</p>",
        received_at=NOON + timedelta(minutes=minutes),
        documents=documents,
        original="cd" * 32,
        original_size=1234,
        headers=(
            ("Received", "by mx"),
            ("Received", ""),
            ("Subject", f'About "{message_id}", {{ä}}'),
        ),
    )


def document(filename: str) -> Document:
    return Document(filename, "application/pdf", 3, "ab" * 32, content_id="logo", inline=True)


def outcome(
    job_id: str = "job-1",
    *,
    tenant: str = "acme",
    mailbox: str = "support",
    pointer: Pointer = ImapPointer("INBOX", 1, 1),  # noqa: B008 - it is immutable
    ended: Final = Completed(Effect.TICKET, "1"),  # noqa: B008 - it is immutable
    minutes: int = 0,
    identity: str = "",
) -> OutcomeRecord:
    job = PointerJob(
        id=job_id,
        tenant=tenant,
        mailbox=mailbox,
        pointer=pointer,
        enqueued_at=NOON,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return OutcomeRecord(
        job=job,
        outcome=ended,
        attempt=1,
        at=NOON + timedelta(minutes=minutes),
        identity=identity,
    )
