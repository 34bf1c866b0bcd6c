"""Tickets with their comments and documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postroom.domain.helpdesk.ticket import Comment, Document, Ticket, TicketSummary
from postroom.domain.mail.message import Address


@dataclass(frozen=True, slots=True)
class TicketSummaryView:
    """*comments* and *documents* are how many there are."""

    number: int
    mailbox: str
    subject: str
    requester: Address
    opened_at: datetime
    comments: int
    documents: int


def ticket_summary_view(summary: TicketSummary) -> TicketSummaryView:
    return TicketSummaryView(
        number=summary.number,
        mailbox=summary.mailbox,
        subject=summary.subject,
        requester=summary.requester,
        opened_at=summary.opened_at,
        comments=summary.comments,
        documents=summary.documents,
    )


@dataclass(frozen=True, slots=True)
class DocumentView:
    """*size* in bytes; *key* is the last part of its address."""

    key: str
    filename: str
    content_type: str
    size: int
    content_id: str
    inline: bool


@dataclass(frozen=True, slots=True)
class CommentView:
    """*html* is sanitised; its `cid:` images are among *documents*, by content_id.

    *identity* is the name under which outcomes hold the message, and *original* the message as it
    came, unless it was filed by a release that did not store that. *headers* are names and values.
    """

    identity: str
    message_id: str
    author: Address
    subject: str
    text: str
    html: str
    received_at: datetime
    documents: Sequence[DocumentView]
    original: DocumentView | None
    headers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TicketView:
    number: int
    mailbox: str
    subject: str
    comments: Sequence[CommentView]


def ticket_view(ticket: Ticket) -> TicketView:
    comments = [_comment_view(comment) for comment in ticket.comments]
    return TicketView(ticket.number, ticket.mailbox, ticket.subject, comments)


def _comment_view(comment: Comment) -> CommentView:
    return CommentView(
        identity=comment.identity,
        message_id=comment.message_id,
        author=comment.author,
        subject=comment.subject,
        text=comment.text,
        html=comment.html,
        received_at=comment.received_at,
        documents=[_document_view(document) for document in comment.documents],
        original=_document_view(original) if (original := comment.original_document) else None,
        headers=comment.headers,
    )


def _document_view(document: Document) -> DocumentView:
    return DocumentView(
        key=document.blob,
        filename=document.filename,
        content_type=document.content_type,
        size=document.size,
        content_id=document.content_id,
        inline=document.inline,
    )
