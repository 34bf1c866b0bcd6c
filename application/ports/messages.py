"""Reading one message from its provider, and handing it over."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom.domain.mail.message import NO_HINTS, InboundMessage, SourceHints
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Accepted, Completed, Skipped
from postroom.domain.pointer import Pointer, PointerJob

Processed = Completed | Accepted | Skipped


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """The message's own bytes as the provider has them, under the provider's own stable id.

    *received_at*, in UTC, is when the provider took the message in, whatever its sender says.
    *hints* cost no call of their own.
    """

    source: str
    raw: bytes
    received_at: datetime
    hints: SourceHints = NO_HINTS


class MessageFetcher(Protocol):
    """Reads from a mailbox the one message that a pointer points at, and changes nothing there."""

    @abstractmethod
    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        """The message, wherever in the mailbox it was filed since, as far as its id lasts.

        As a rule an id lasts as long as the message does. Where it is its folder's, and ends when
        that is rebuilt, the message is looked up there by its Message-ID.

        Raises SourceGone (it is not there any more), AccessFailed (the mailbox cannot be read, or
        has no such folder), Throttled (the provider says how long to wait), and Unprocessable if
        the message is over the size limit, or the pointer is none of one message of *mailbox*: of
        another provider, of another mailbox, of a change. A pointer that does not show whose it is,
        and is another mailbox's, is taken for one of a folder that was rebuilt.
        """


class Prepared(Protocol):
    """What is left to be done for a message, in its ledger block."""

    @abstractmethod
    async def __call__(self) -> Processed:
        """Process the message; the reference of a completed one leads to what became of it.

        The effect is stored with the block, and forgotten with it. Raises Unprocessable.
        """


class EmailProcessor(Protocol):
    """Hands a message over to the application that wants it."""

    async def obstacle(self, mailbox: Mailbox) -> str:  # noqa: ARG002 - most have none
        """Why no message of *mailbox* is to be fetched at present: its application is behind.

        Empty if there is nothing in the way.
        """
        return ""

    def place(self, mailbox: Mailbox) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        """What the ledger block of a message of *mailbox* is entered in.

        A processor that takes long in there may have others wait here, where they hold nothing.
        Raises Contended if that takes too long.
        """
        return nullcontext()

    @abstractmethod
    async def prepare(
        self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob
    ) -> Prepared | Skipped:
        """Do what takes long, before the ledger block, in which others may wait for us.

        The original message is stored as a blob here. It may be for nothing, and harms nobody then.
        *job* is what has led to the message. One that is skipped is not remembered as handled.
        Raises Unprocessable.
        """
