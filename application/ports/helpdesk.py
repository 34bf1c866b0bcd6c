"""What the built-in helpdesk keeps."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from postroom.domain.helpdesk.ticket import Comment, Ticket, TicketSummary
from postroom.domain.mailbox import Mailbox


class Helpdesk(Protocol):
    """Tickets with their comments and documents. One filing at a time for each mailbox."""

    @abstractmethod
    async def conversations(self, mailbox: Mailbox, message_ids: Sequence[str]) -> Sequence[Ticket]:
        """The tickets that know any of *message_ids*, by number.

        Must be called in a ledger block, and holds off other filings of the mailbox until it ends.
        """

    @abstractmethod
    async def open_ticket(self, mailbox: Mailbox, opening: Comment) -> Ticket:
        """A new ticket with *opening* as its first comment and its own number in the tenant."""

    @abstractmethod
    async def add_comment(self, ticket: Ticket, comment: Comment) -> Ticket:
        """The ticket with *comment* in its place; a comment older than the opening takes over."""

    @abstractmethod
    async def merge(self, ticket: Ticket, other: Ticket) -> Ticket:
        """*ticket* with all that *other* holds; *other* is gone, its number leads to *ticket*."""

    @abstractmethod
    async def summaries(self, tenant: str, *, limit: int = 100) -> Sequence[TicketSummary]:
        """The newest *limit* tickets, newest first."""

    @abstractmethod
    async def ticket(self, tenant: str, number: int) -> Ticket | None:
        """The ticket of that number, or that it was merged into."""


class HtmlSanitiser(Protocol):
    """Makes a stranger's HTML safe to show. It can be pickled, and called in another process."""

    @abstractmethod
    def __call__(self, html: str) -> str:
        """*html* without scripts, styles, forms, and images that call home.

        The text stays, and so do the images that came with the message (`cid:`).
        """
