"""Filing a message in the built-in helpdesk, in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from itertools import permutations

import pytest

from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.sanitiser import PlainSanitiser
from postroom.application.file_message import FileMessage
from postroom.application.ports import (
    ArgumentT,
    BlobStore,
    FetchedMessage,
    Helpdesk,
    HtmlSanitiser,
    Kind,
    Offload,
    ResultT,
)
from postroom.application.ports.messages import Processed
from postroom.application.sanitising import MAX_HTML
from postroom.domain.failure import Unavailable
from postroom.domain.helpdesk.ticket import Comment, Ticket
from postroom.domain.mail.message import Address, InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Effect
from tests.contracts.samples import JOB, NOON, imap_mailbox
from tests.reading import read_inbound
from tests.samples import sample

MAILBOX = imap_mailbox()

HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"


def inbound(raw: bytes, *, minutes: int = 0, source: str = "") -> InboundMessage:
    source = source or f"imap:INBOX:1:{sha256(raw).hexdigest()}"
    return read_inbound(FetchedMessage(source, raw, NOON + timedelta(minutes=minutes)))


def mail(message_id: str, *references: str, minutes: int = 0) -> InboundMessage:
    lines = [
        "From: Ann <ann@sender.example>",
        f"Message-ID: <{message_id}>",
        f"Subject: About {message_id}",
        "References: " + " ".join(f"<{reference}>" for reference in references),
        "",
        "Hello",
    ]
    return inbound("\r\n".join(lines).encode(), minutes=minutes)


@dataclass
class Desk:
    """The use case as a worker runs it: in a ledger block, once for each message."""

    blobs: BlobStore
    sanitise: HtmlSanitiser
    offload: Offload = field(default_factory=AtOnce)

    def __post_init__(self) -> None:
        self.database = InMemoryDatabase()
        self.ledger = InMemoryIdempotencyLedger(self.database)
        self.helpdesk: Helpdesk = InMemoryHelpdesk(self.database)

    async def file(self, message: InboundMessage) -> Processed | None:
        file_message = FileMessage(self.helpdesk, self.blobs, self.sanitise, self.offload)
        process = await file_message.prepare(MAILBOX, message, JOB)
        async with self.ledger.once(MAILBOX, message.identity) as is_new:
            return await process() if is_new else None

    async def ticket(self, number: int = 1) -> Ticket:
        ticket = await self.helpdesk.ticket(MAILBOX.tenant, number)
        assert ticket is not None
        return ticket

    async def numbers(self) -> list[int]:
        return [summary.number for summary in await self.helpdesk.summaries(MAILBOX.tenant)]


@pytest.fixture
def desk() -> Desk:
    return Desk(InMemoryBlobStore(), PlainSanitiser())


def ids(comments: tuple[Comment, ...]) -> list[str]:
    return [comment.message_id for comment in comments]


async def test_a_message_that_belongs_to_nothing_opens_a_ticket(desk: Desk) -> None:
    message = inbound(sample("plain"))

    completed = await desk.file(message)

    assert completed == Completed(Effect.TICKET, "1")
    (comment,) = (await desk.ticket()).comments
    assert comment == Comment(
        identity="rfc5322:20300204071229.A1@example.com",
        digest=message.message.content_digest,
        message_id="20300204071229.A1@example.com",
        references=(),
        author=Address("Marta Lind", "marta.lind@example.com"),
        subject='Printer on the second floor says "tray 2 empty"',
        text=message.message.text,
        html="",
        received_at=NOON,
        original=sha256(message.raw).hexdigest(),
        original_size=len(message.raw),
        headers=message.message.headers,
    )


async def test_the_message_is_stored_as_it_came(desk: Desk) -> None:
    message = inbound(sample("attachments"))

    await desk.file(message)

    original = (await desk.ticket()).opening.original_document
    assert original
    assert (original.content_type, original.size) == ("message/rfc822", len(message.raw))
    assert await desk.blobs.get(MAILBOX.tenant, original.blob) == message.raw


async def test_of_very_many_headers_the_first_are_kept_with_the_comment(desk: Desk) -> None:
    await desk.file(inbound(b"Subject: A\r\n" + b"X-Filler: " + b"x" * 60_000 + b"\r\n" * 3))
    await desk.file(inbound(b"X-Filler: %s\r\n" % (b"x" * 60_000) * 3 + b"\r\nHello"))

    few, many = [(await desk.ticket(number)).opening.headers for number in (1, 2)]
    assert [name for name, _ in few] == ["Subject", "X-Filler"]
    assert len(many) == 2


async def test_messages_that_have_nothing_to_do_with_each_other_are_tickets(desk: Desk) -> None:
    completed = [await desk.file(mail(message_id)) for message_id in ("a@x", "b@x")]

    assert completed == [Completed(Effect.TICKET, "1"), Completed(Effect.TICKET, "2")]


async def test_a_reply_is_a_comment_in_the_ticket_of_its_original(desk: Desk) -> None:
    await desk.file(inbound(sample("no_message_id")))
    await desk.file(inbound(sample("plain")))

    completed = await desk.file(inbound(sample("reply"), minutes=1))

    assert completed == Completed(Effect.COMMENT, "2")
    comments = (await desk.ticket(2)).comments
    assert [comment.author.name for comment in comments] == ["Marta Lind", "Berg, Jonas"]


async def test_a_late_original_becomes_the_opening(desk: Desk) -> None:
    await desk.file(inbound(sample("early_reply")))

    completed = await desk.file(inbound(sample("late_original"), minutes=1))

    assert completed == Completed(Effect.COMMENT, "1")
    ticket = await desk.ticket()
    assert ticket.subject == inbound(sample("late_original")).message.subject
    assert len(ticket.comments) == 2


async def test_a_message_that_ties_tickets_together_merges_them_into_the_first(desk: Desk) -> None:
    for n, message_id in enumerate(("a@x", "b@x", "c@x")):
        await desk.file(mail(message_id, minutes=n))

    completed = await desk.file(mail("d@x", "c@x", "b@x", "a@x", minutes=3))

    assert completed == Completed(Effect.COMMENT, "1")
    assert await desk.numbers() == [1]
    assert ids((await desk.ticket(3)).comments) == ["a@x", "b@x", "c@x", "d@x"]


async def test_whatever_the_order_of_filing_a_conversation_is_one_ticket() -> None:
    messages = [
        mail("a@x"),
        mail("b@x", "a@x", minutes=1),
        mail("c@x", "b@x", minutes=2),
        mail("d@x", "lost@x", "c@x", minutes=3),
    ]
    for order in permutations(messages):
        desk = Desk(InMemoryBlobStore(), PlainSanitiser())
        for message in order:
            await desk.file(message)

        assert await desk.numbers() == [1]
        assert ids((await desk.ticket()).comments) == ["a@x", "b@x", "c@x", "d@x"]


async def test_messages_without_an_id_are_tied_by_nothing(desk: Desk) -> None:
    raw = sample("no_message_id")
    await desk.file(inbound(raw, source="imap:INBOX:1:1"))

    completed = await desk.file(inbound(raw, source="imap:INBOX:1:2"))

    assert completed == Completed(Effect.TICKET, "2")


async def test_attachments_become_documents_whose_bytes_are_in_the_blob_store(desk: Desk) -> None:
    message = inbound(sample("attachments"))
    attachments = message.message.attachments

    await desk.file(message)

    documents = (await desk.ticket()).opening.documents
    assert [(document.filename, document.content_type) for document in documents] == [
        ("Antrag für neue Mitarbeiter.pdf", "application/pdf"),
        ("Liste.csv", "text/csv"),
        ("_con.txt", "application/octet-stream"),
    ]
    assert [document.size for document in documents] == [len(a.content) for a in attachments]
    kept = [await desk.blobs.get(MAILBOX.tenant, document.blob) for document in documents]
    assert kept == [attachment.content for attachment in attachments]


async def test_an_inline_image_is_a_document_that_the_html_shows_by_its_content_id(
    desk: Desk,
) -> None:
    await desk.file(inbound(sample("inline_image")))

    opening = (await desk.ticket()).opening
    (image,) = opening.documents
    assert (image.filename, image.content_id, image.inline) == (
        "error.png",
        "error.png@01DA",
        True,
    )
    assert f'<img src="cid:{image.content_id}"' in opening.html


async def test_only_sanitised_html_is_filed(desk: Desk) -> None:
    raw = b"Content-Type: text/html\r\n\r\n<p onclick=x()>Hi<script>x()</script></p>"

    await desk.file(inbound(raw))

    assert (await desk.ticket()).opening.html == "Hi"


async def test_a_message_is_filed_once(desk: Desk) -> None:
    message = mail("a@x")
    await desk.file(message)

    again = await desk.file(replace(message, received_at=NOON + timedelta(minutes=1)))

    assert again is None
    assert len((await desk.ticket()).comments) == 1


async def test_another_message_under_a_known_id_is_a_comment(desk: Desk) -> None:
    """The sender chooses the Message-ID, so it must not be able to suppress mail."""
    raw = b"Message-ID: <a@x>\r\n\r\n"
    await desk.file(inbound(raw + b"one"))

    completed = await desk.file(inbound(raw + b"two", minutes=1))

    assert completed == Completed(Effect.COMMENT, "1")
    assert [comment.text for comment in (await desk.ticket()).comments] == ["one", "two"]


async def test_where_filing_fails_half_way_nothing_is_kept_and_it_may_be_tried_again(
    desk: Desk,
) -> None:
    """It fails between the merge of two tickets and the comment that made them one."""

    class Failing(InMemoryHelpdesk):
        async def add_comment(self, ticket: Ticket, comment: Comment) -> Ticket:
            raise Unavailable(f"lost between {ticket.number} and {comment.identity}")

    await desk.file(mail("a@x"))
    await desk.file(mail("b@x", minutes=1))
    working, desk.helpdesk = desk.helpdesk, Failing(desk.database)
    reply = mail("c@x", "a@x", "b@x", minutes=2)

    with pytest.raises(Unavailable):
        await desk.file(reply)

    assert await desk.numbers() == [2, 1]
    assert ids((await desk.ticket(2)).comments) == ["b@x"]
    desk.helpdesk = working
    assert await desk.file(reply) == Completed(Effect.COMMENT, "1")
    assert ids((await desk.ticket(2)).comments) == ["a@x", "b@x", "c@x"]


async def test_a_message_whose_attachment_cannot_be_kept_is_not_filed() -> None:
    class SecondPutFails(InMemoryBlobStore):
        puts = 0

        async def put(self, tenant: str, content: bytes) -> str:
            self.puts += 1
            if self.puts == 2:
                raise Unavailable("the disk is full")
            return await super().put(tenant, content)

    desk = Desk(SecondPutFails(), PlainSanitiser())
    message = inbound(sample("attachments"))

    with pytest.raises(Unavailable):
        await desk.file(message)

    assert await desk.numbers() == []
    assert await desk.file(message) == Completed(Effect.TICKET, "1")


async def test_files_are_kept_before_other_filings_have_to_wait() -> None:
    events: list[str] = []

    class Blobs(InMemoryBlobStore):
        async def put(self, tenant: str, content: bytes) -> str:
            events.append("put")
            return await super().put(tenant, content)

    class Tickets(InMemoryHelpdesk):
        async def conversations(
            self, mailbox: Mailbox, message_ids: Sequence[str]
        ) -> Sequence[Ticket]:
            events.append("conversations")
            return await super().conversations(mailbox, message_ids)

    desk = Desk(Blobs(), PlainSanitiser())
    desk.helpdesk = Tickets(desk.database)

    await desk.file(inbound(sample("attachments")))

    assert events == ["put", "put", "put", "put", "conversations"]


class Elsewhere(AtOnce):
    """Notes what it is handed."""

    def __init__(self) -> None:
        self.seen: list[tuple[Kind, int]] = []

    async def __call__(
        self, kind: Kind, work: Callable[[ArgumentT], ResultT], argument: ArgumentT, *, size: int
    ) -> ResultT:
        self.seen.append((kind, size))
        return await super().__call__(kind, work, argument, size=size)


async def test_html_is_worked_on_where_it_can_be_ended() -> None:
    elsewhere = Elsewhere()
    desk = Desk(InMemoryBlobStore(), PlainSanitiser(), elsewhere)

    await desk.file(inbound(HTML + b"<p>Hi</p>"))

    assert elsewhere.seen == [(Kind.HTML, len("<p>Hi</p>"))]


# --- HTML that is too large to be shown ---


LARGE = "<p>Hällo</p>" + "<b></b>" * (MAX_HTML // 7)


async def test_html_over_the_limit_is_shown_as_text_and_kept_as_a_file(desk: Desk) -> None:
    await desk.file(inbound(HTML + LARGE.encode()))

    opening = (await desk.ticket()).opening
    assert (opening.text, opening.html) == ("Hällo", "")
    [file] = opening.documents
    assert (file.filename, file.content_type) == ("message.html", "text/html")
    assert await desk.blobs.get(MAILBOX.tenant, file.blob) == LARGE.encode()


async def test_the_text_that_the_sender_wrote_beside_it_goes_before_ours(desk: Desk) -> None:
    parts = b"--x\r\n\r\nHello\r\n--x\r\n" + HTML + LARGE.encode() + b"\r\n--x--"
    raw = b"Content-Type: multipart/alternative; boundary=x\r\n\r\n" + parts

    await desk.file(inbound(raw))

    opening = (await desk.ticket()).opening
    assert (opening.text, opening.html) == ("Hello", "")
    assert [file.filename for file in opening.documents] == ["message.html"]


async def test_html_of_just_the_limit_is_shown(desk: Desk) -> None:
    await desk.file(inbound(HTML + b"x" * MAX_HTML))

    opening = (await desk.ticket()).opening
    assert opening.html == "x" * MAX_HTML
    assert opening.documents == ()
