"""What every EmailProcessor promises: the built-in helpdesk does, over each storage."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.offload import AtOnce
from postroom.application.file_message import FileMessage
from postroom.application.ports import EmailProcessor, FetchedMessage, Prepared
from postroom.application.ports.messages import Processed
from postroom.domain.helpdesk.ticket import Comment
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Skipped
from tests.contracts.conftest import Storage
from tests.contracts.samples import JOB, NOON, failing_block, imap_mailbox
from tests.reading import read_inbound

PORTS = {EmailProcessor, Prepared}

MAILBOX = imap_mailbox()


def completed(processed: Processed) -> Completed:
    assert isinstance(processed, Completed)
    return processed


@dataclass
class Desk:
    """A processor, and a look at what it has made."""

    storage: Storage

    def __post_init__(self) -> None:
        self.blobs = InMemoryBlobStore()
        self.processor: EmailProcessor = FileMessage(
            self.storage.helpdesk, self.blobs, Nh3Sanitiser(), AtOnce()
        )

    async def prepare(self, inbound: InboundMessage, mailbox: Mailbox = MAILBOX) -> Prepared:
        prepared = await self.processor.prepare(mailbox, inbound, JOB)
        assert not isinstance(prepared, Skipped)
        return prepared

    async def handle(self, inbound: InboundMessage, mailbox: Mailbox = MAILBOX) -> Completed:
        """In a ledger block, as a worker does."""
        process = await self.prepare(inbound, mailbox)
        async with self.storage.ledger.once(mailbox, inbound.identity) as is_new:
            assert is_new
            return completed(await process())

    async def behind(self, completed: Completed, tenant: str = "acme") -> Sequence[Comment]:
        """What the reference leads to."""
        ticket = await self.storage.helpdesk.ticket(tenant, int(completed.reference))
        return ticket.comments if ticket else ()

    async def all(self, tenant: str = "acme") -> int:
        return len(await self.storage.helpdesk.summaries(tenant))


@pytest.fixture
def desk(storage: Storage) -> Desk:
    return Desk(storage)


def mail(message_id: str = "a@x", replies_to: str = "") -> InboundMessage:
    raw = (
        "From: Ann <ann@sender.example>\r\n"
        f"Message-ID: <{message_id}>\r\n"
        f"Subject: About {message_id}\r\n"
        f"In-Reply-To: <{replies_to}>\r\n"
        "Content-Type: multipart/mixed; boundary=next\r\n"
        "\r\n"
        "--next\r\n\r\nHello\r\n"
        f"--next\r\nContent-Disposition: attachment; filename=a\r\n\r\nWith {message_id}\r\n"
        "--next--\r\n"
    )
    return read_inbound(FetchedMessage(f"imap:INBOX:1:{message_id}", raw.encode(), NOON))


async def test_the_reference_leads_to_the_message_with_all_that_came_with_it(desk: Desk) -> None:
    inbound = mail()

    [comment] = await desk.behind(await desk.handle(inbound))

    assert (comment.identity, comment.digest) == (inbound.identity.name, inbound.identity.digest)
    assert (comment.subject, comment.text.strip()) == ("About a@x", "Hello")
    assert comment.author.email == "ann@sender.example"
    assert comment.received_at == NOON
    [document] = comment.documents
    assert await desk.blobs.get("acme", document.blob) == b"With a@x"
    assert await desk.blobs.get("acme", comment.original) == inbound.raw


async def test_each_message_has_a_reference_that_leads_to_it(desk: Desk) -> None:
    messages = [mail("a@x"), mail("b@x"), mail("c@x", replies_to="a@x")]

    ended = [await desk.handle(message) for message in messages]

    for message, completed in zip(messages, ended, strict=True):
        names = [comment.identity for comment in await desk.behind(completed)]
        assert message.identity.name in names


async def test_what_was_done_in_a_block_that_fails_is_forgotten(desk: Desk) -> None:
    process = await desk.prepare(mail())
    async with failing_block(desk.storage.ledger, MAILBOX):
        lost = completed(await process())

    assert await desk.behind(lost) == ()
    assert await desk.all() == 0


async def test_what_a_failing_block_adds_to_a_result_that_was_there_is_forgotten(
    desk: Desk,
) -> None:
    completed = await desk.handle(mail("a@x"))
    before = await desk.behind(completed)
    process = await desk.prepare(mail("b@x", replies_to="a@x"))
    async with failing_block(desk.storage.ledger, MAILBOX):
        await process()

    assert await desk.behind(completed) == before


async def test_after_a_block_that_failed_the_message_is_processed_as_if_for_the_first_time(
    desk: Desk,
) -> None:
    process = await desk.prepare(mail())
    async with failing_block(desk.storage.ledger, MAILBOX):
        await process()

    completed = await desk.handle(mail())

    assert len(await desk.behind(completed)) == 1
    assert await desk.all() == 1


async def test_no_other_tenant_sees_anything_of_it(desk: Desk) -> None:
    completed = await desk.handle(mail())

    assert await desk.behind(completed, tenant="globex") == ()
    assert await desk.all(tenant="globex") == 0


async def test_the_same_message_to_two_mailboxes_is_processed_for_each(desk: Desk) -> None:
    """One Message-ID, since it went to both: neither mailbox is shown the other's result."""
    mailboxes = MAILBOX, imap_mailbox(name="sales")

    ended = [await desk.handle(mail(), mailbox) for mailbox in mailboxes]

    assert ended[0].reference != ended[1].reference
    assert [len(await desk.behind(completed)) for completed in ended] == [1, 1]
