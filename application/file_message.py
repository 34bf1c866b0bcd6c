"""File a message in the built-in helpdesk: as a new ticket, or as a comment in its conversation.

Workers run side by side, so a reply may be filed before the message that it answers. Whatever the
order of filing, the same messages end up in the same conversations:

* A conversation is what hangs together by Message-ID, In-Reply-To and References. A message that
  hangs together with several tickets merges them into the one with the lowest number.
* Comments stand in an order that is a function of the comments alone (`in_order`). They are dated
  by the provider's time of arrival: the sender's own Date may be forged, or from a broken clock.
* So a late original becomes the opening of the ticket that its reply had opened.
"""

from dataclasses import dataclass
from functools import partial

from postroom.application.ports import (
    BlobStore,
    EmailProcessor,
    Helpdesk,
    HtmlSanitiser,
    Offload,
    Prepared,
)
from postroom.application.sanitising import sanitised
from postroom.domain.helpdesk.ticket import Comment, Document, first_headers
from postroom.domain.mail.message import Attachment, InboundMessage, Message
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Effect
from postroom.domain.pointer import PointerJob


@dataclass(frozen=True, slots=True)
class _Body:
    """What of a message is shown; the original is among the *attachments* if it is not."""

    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class FileMessage(EmailProcessor):
    helpdesk: Helpdesk
    blobs: BlobStore
    sanitise: HtmlSanitiser
    offload: Offload

    async def prepare(
        self,
        mailbox: Mailbox,
        inbound: InboundMessage,
        job: PointerJob,  # noqa: ARG002 - a ticket does not lead back to it
    ) -> Prepared:
        # Files first, while no other filing waits: one that is left over by a failure harms nobody,
        # a row whose file is missing does.
        return partial(self._file, mailbox, await self._comment(mailbox, inbound))

    async def _file(self, mailbox: Mailbox, comment: Comment) -> Completed:
        """The reference of the result is the number of the ticket."""
        tickets = await self.helpdesk.conversations(mailbox, comment.message_ids)
        if not tickets:
            opened = await self.helpdesk.open_ticket(mailbox, comment)
            return Completed(Effect.TICKET, str(opened.number))
        ticket, *others = tickets
        for other in others:
            ticket = await self.helpdesk.merge(ticket, other)
        ticket = await self.helpdesk.add_comment(ticket, comment)
        return Completed(Effect.COMMENT, str(ticket.number))

    async def _comment(self, mailbox: Mailbox, inbound: InboundMessage) -> Comment:
        message = inbound.message
        original = await self.blobs.put(mailbox.tenant, inbound.raw)
        body = await self._body(message)
        return Comment(
            identity=inbound.identity.name,
            digest=inbound.identity.digest,
            message_id=message.message_id,
            references=message.references,
            author=message.sender,
            subject=message.subject,
            text=body.text,
            html=body.html,
            received_at=inbound.received_at,
            documents=tuple(
                [
                    await self._document(mailbox, attachment)
                    for attachment in (*message.attachments, *body.attachments)
                ]
            ),
            original=original,
            original_size=len(inbound.raw),
            headers=first_headers(message.headers),
        )

    async def _body(self, message: Message) -> _Body:
        html = await sanitised(message.html, self.sanitise, self.offload)
        if html is None and message.html:
            original = Attachment("message.html", "text/html", message.html.encode())
            return _Body(message.text, "", (original,))
        return _Body(message.text, html or "")

    async def _document(self, mailbox: Mailbox, attachment: Attachment) -> Document:
        return Document(
            filename=attachment.filename,
            content_type=attachment.content_type,
            size=len(attachment.content),
            blob=await self.blobs.put(mailbox.tenant, attachment.content),
            content_id=attachment.content_id,
            inline=attachment.inline,
        )
