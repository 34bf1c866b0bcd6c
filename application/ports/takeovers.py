"""Mailboxes that were another system's."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from postroom.domain.mailbox import Mailbox
from postroom.domain.takeover import Takeover


class Takeovers(Protocol):
    """What other systems have had of mailboxes. The ledger goes by it: `IdempotencyLedger.once`."""

    @abstractmethod
    async def add(self, mailbox: Mailbox, takeover: Takeover, positions: Mapping[str, str]) -> None:
        """Add *mailbox*, as `MailboxRegistry.add` does, with its takeover: all or nothing.

        Each folder of *positions* is listed from there on; the others are listed by date from when
        the mailbox was added. Raises InvalidMailbox.
        """

    @abstractmethod
    async def record(self, tenant: str, mailbox_id: str, takeover: Takeover) -> None:
        """Store the takeover of a mailbox that there is.

        Its moment takes the place of an earlier one. What is listed as handled is added to what
        was, and an entry that stands for a message already (rule 2) goes on to do so.
        """

    @abstractmethod
    async def since(self, tenant: str, mailbox_id: str) -> datetime | None:
        """The moment of the mailbox's takeover; None if it was nobody else's."""
