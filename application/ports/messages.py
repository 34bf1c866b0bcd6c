"""Reading one message from its provider, and handing it over."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed
from postroom.domain.pointer import Pointer


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """The message's own bytes as the provider has them, under the provider's own stable id."""

    source: str
    raw: bytes
    received_at: datetime


class MessageFetcher(Protocol):
    """Reads from a mailbox the one message that a pointer points at."""

    @abstractmethod
    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        """Raises SourceGone, AccessFailed, Throttled, Unprocessable (over the size limit)."""


class EmailProcessor(Protocol):
    """Hands a message over to the application that wants it."""

    @abstractmethod
    async def __call__(self, mailbox: Mailbox, inbound: InboundMessage) -> Completed:
        """Process the message, inside its ledger block. Raises Unprocessable."""
