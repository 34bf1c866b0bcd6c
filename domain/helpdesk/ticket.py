"""A ticket is a conversation: comments in order, of which the first is the opening.

The order is a function of the comments alone, so it does not matter in which order they were filed.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush

from postroom.domain.mail.message import Address

MAX_HEADERS = 128 * 2**10
"""Bytes of the names and values of a message's fields that a comment has; the original has all."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file of a comment; *blob* is its key in the blob store, *size* in bytes."""

    filename: str
    content_type: str
    size: int
    blob: str
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One filed message. *html* is sanitised; *message_id* and *references* are normalised.

    *identity* is the name of its identity (`rfc5322:…`) and *digest* its content digest: together
    unique. *original* is the blob of the message as it came, empty where none was stored, and
    *headers* are its fields, decoded, up to MAX_HEADERS.
    """

    identity: str
    digest: str
    message_id: str
    references: tuple[str, ...]
    author: Address
    subject: str
    text: str
    html: str
    received_at: datetime
    documents: tuple[Document, ...] = ()
    original: str = ""
    original_size: int = 0
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def original_document(self) -> Document | None:
        """The message as it came, as a file."""
        if not self.original:
            return None
        return Document("message.eml", "message/rfc822", self.original_size, self.original)

    @property
    def message_ids(self) -> tuple[str, ...]:
        """All ids by which this comment ties messages into one conversation."""
        own = (self.message_id,) if self.message_id else ()
        return own + tuple(ref for ref in self.references if ref not in own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """*number* counts from 1 in the tenant; *comments* is in conversation order, never empty."""

    tenant: str
    mailbox: str
    number: int
    comments: tuple[Comment, ...]

    @property
    def opening(self) -> Comment:
        return self.comments[0]

    @property
    def subject(self) -> str:
        return self.opening.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSummary:
    """A ticket as a list shows it."""

    mailbox: str
    number: int
    subject: str
    requester: Address
    opened_at: datetime
    comments: int
    documents: int


def first_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of *headers* that a comment has: the first, up to MAX_HEADERS."""
    first: list[tuple[str, str]] = []
    left = MAX_HEADERS
    for name, value in headers:
        left -= len(name.encode()) + len(value.encode())
        if left < 0:
            break
        first.append((name, value))
    return tuple(first)


def in_order(comments: tuple[Comment, ...]) -> tuple[Comment, ...]:
    """Comments as a reader wants them: what is answered stands before its answer, then by date.

    A topological sort that takes the earliest of what is ready, in a time that grows with the
    number of comments and references and hardly more: a flood of mail is one conversation too.
    """
    by_date = sorted(comments, key=lambda c: (c.received_at, c.identity, c.digest))
    present = {comment.message_id for comment in comments if comment.message_id}
    awaited = [present.intersection(c.references) - {c.message_id} for c in by_date]
    answers = defaultdict[str, list[int]](list)
    for position, message_ids in enumerate(awaited):
        for message_id in message_ids:
            answers[message_id].append(position)
    ready = [position for position, message_ids in enumerate(awaited) if not message_ids]
    by_age = iter(range(len(by_date)))
    placed: dict[int, Comment] = {}
    while len(placed) < len(by_date):
        # A cycle of references (forged, or nonsense) leaves nothing ready: fall back to the date.
        position = heappop(ready) if ready else next(p for p in by_age if p not in placed)
        placed[position] = comment = by_date[position]
        for answer in answers.pop(comment.message_id, ()):
            awaited[answer].discard(comment.message_id)
            if not awaited[answer]:
                heappush(ready, answer)
    return tuple(placed.values())
