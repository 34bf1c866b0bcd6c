"""What `/api/v1` shows: each field named here, so that nothing new is shown by accident."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, assert_never

from postroom.application.ports import DeadLetterPage, LaneStatistics, OutcomeRecord
from postroom.domain.dead_letter import DeadLetter
from postroom.domain.folder_sync import FolderSync
from postroom.domain.helpdesk.ticket import Comment, Document, Ticket, TicketSummary
from postroom.domain.mail.message import Address
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import (
    Completed,
    Dead,
    Duplicate,
    Effect,
    Expanded,
    Final,
    Skipped,
    name_of,
)
from postroom.domain.pointer import PointerJob


@dataclass(frozen=True, slots=True)
class FolderView:
    """How a folder's mail is received: by `notifications`, or by `polling` for *polling_reason*.

    *last_error* is what the last sync failed of. *expires_at* is when notifications end, unless
    renewed.
    """

    name: str
    mode: str
    polling_reason: str
    last_error: str
    expires_at: datetime | None
    synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class MailboxView:
    """*paused* says why, or is empty."""

    id: str
    address: str
    provider: str
    paused: str
    added_at: datetime
    folders: tuple[FolderView, ...]


def mailbox_view(mailbox: Mailbox, folder_syncs: Sequence[FolderSync]) -> MailboxView:
    """*folder_syncs* are those of its tenant."""
    return MailboxView(
        mailbox.id,
        mailbox.address,
        mailbox.provider,
        mailbox.paused.reason if mailbox.paused else "",
        mailbox.added_at,
        tuple(_folder_view(each) for each in folder_syncs if each.mailbox == mailbox.id),
    )


def _folder_view(folder_sync: FolderSync) -> FolderView:
    return FolderView(
        folder_sync.folder,
        folder_sync.mode.value,
        folder_sync.polling_reason,
        folder_sync.last_error,
        folder_sync.subscription.expires_at if folder_sync.subscription else None,
        folder_sync.synced_at,
    )


@dataclass(frozen=True, slots=True)
class LaneView:
    """How one mailbox's jobs stand. *oldest_seconds* is the age of the oldest that is ready.

    *paused* is why none is handed out, and empty if they are.
    """

    mailbox: str
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_seconds: float
    paused: str
    paused_until: datetime | None


def lane_view(lane: LaneStatistics) -> LaneView:
    return LaneView(
        lane.mailbox,
        lane.ready,
        lane.delayed,
        lane.in_flight,
        lane.dead,
        lane.oldest_age.total_seconds(),
        lane.paused,
        lane.paused_until,
    )


@dataclass(frozen=True, slots=True)
class JobView:
    id: str
    mailbox: str
    provider: str
    pointer: dict[str, Any]
    enqueued_at: datetime


def job_view(job: PointerJob) -> JobView:
    return JobView(job.id, job.mailbox, job.pointer.provider, asdict(job.pointer), job.enqueued_at)


@dataclass(frozen=True, slots=True)
class ReasonView:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetterView:
    """*id* is the job's; *job* is null where its record cannot be read.

    *reasons* holds what ended each delivery, oldest first. *attempts* counts since it was last
    queued.
    """

    id: str
    mailbox: str
    job: JobView | None
    attempts: int
    reasons: Sequence[ReasonView]
    died_at: datetime


def dead_letter_view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        id=letter.id,
        mailbox=letter.mailbox,
        job=job_view(letter.job) if letter.job else None,
        attempts=letter.attempts,
        reasons=[ReasonView(at, reason) for at, reason in letter.reasons],
        died_at=letter.died_at,
    )


@dataclass(frozen=True, slots=True)
class DeadLettersView:
    """Ask again with *next* as `after` for what follows: empty at the end.

    A page may hold fewer letters than `limit`, or none, and still have a next one.
    """

    letters: Sequence[DeadLetterView]
    next: str


def dead_letters_view(page: DeadLetterPage) -> DeadLettersView:
    return DeadLettersView([dead_letter_view(letter) for letter in page.letters], page.next)


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """*detail* is the reason of a skipped or dead one, the reference of a completed one."""

    job: JobView
    outcome: str
    effect: Effect | None
    detail: str
    identity: str
    attempt: int
    at: datetime


def outcome_view(record: OutcomeRecord) -> OutcomeView:
    return OutcomeView(
        job=job_view(record.job),
        outcome=name_of(record.outcome),
        effect=record.outcome.effect if isinstance(record.outcome, Completed) else None,
        detail=_detail(record.outcome),
        identity=record.identity,
        attempt=record.attempt,
        at=record.at,
    )


def _detail(outcome: Final) -> str:
    match outcome:
        case Completed(reference=reference):
            return reference
        case Duplicate():
            return ""
        case Skipped(reason=reason) | Dead(reason=reason):
            return reason
        case Expanded(count=count):
            return f"{count} messages"
        case _:
            assert_never(outcome)


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
    """*html* is sanitised; its `cid:` images are among *documents*, by content_id."""

    message_id: str
    author: Address
    subject: str
    text: str
    html: str
    received_at: datetime
    documents: Sequence[DocumentView]


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
        message_id=comment.message_id,
        author=comment.author,
        subject=comment.subject,
        text=comment.text,
        html=comment.html,
        received_at=comment.received_at,
        documents=[_document_view(document) for document in comment.documents],
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
