"""What the suite of MessageFetcher runs on."""

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import Protocol

from postroom.application.ports import MessageFetcher
from postroom.domain.failure import SourceGone, Unprocessable
from postroom.domain.mail.message import SourceHints
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer

LIMIT = 2**16
"""Bytes that a message may have here."""

MESSAGE_ID = "one@sender.example"


class Stage(Protocol):
    """A *fetcher*, a *mailbox* that it reads, and what befalls the two.

    What goes wrong goes wrong once, or until `mend`. *foreign* is what a pointer of another mailbox
    is met with.
    """

    fetcher: MessageFetcher
    mailbox: Mailbox
    foreign: type[SourceGone | Unprocessable] = Unprocessable

    @abstractmethod
    def deliver(self, raw: bytes, at: datetime) -> Pointer:
        """A message comes in; *raw* holds MESSAGE_ID, and *at* in its topmost Received field."""

    @abstractmethod
    def deliver_elsewhere(self, raw: bytes, at: datetime) -> Pointer:
        """The same, in another mailbox of the provider."""

    @abstractmethod
    def delete(self, pointer: Pointer) -> None: ...

    @abstractmethod
    def move(self, pointer: Pointer) -> None:
        """File the message elsewhere; with IMAP, give its folder another UIDVALIDITY."""

    @abstractmethod
    def mark(self, pointer: Pointer) -> SourceHints:
        """Have the message read, and flagged; returns what the provider says of it then."""

    @abstractmethod
    def refuse(self) -> None:
        """Let nobody in."""

    @abstractmethod
    def throttle(self, wait: timedelta) -> None:
        """Ask to be left alone for so long."""

    @abstractmethod
    def break_down(self) -> None:
        """Answer that nothing goes just now."""

    @abstractmethod
    def hang_up(self) -> None:
        """End the connection instead of an answer."""

    @abstractmethod
    def mend(self) -> None: ...
