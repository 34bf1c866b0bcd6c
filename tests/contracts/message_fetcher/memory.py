"""Messages in memory, for a mailbox of each provider."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.fetcher import InMemoryMessages, source_of
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import FetchedMessage
from postroom.domain.failure import AccessFailed, SourceGone, Throttled, Unavailable
from postroom.domain.mail.message import SourceHints
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.contracts.message_fetcher.stage import LIMIT, MESSAGE_ID, Stage


class InMemory(Stage):
    def __init__(self, mailbox: Mailbox) -> None:
        if mailbox.provider == "imap":
            self.foreign = SourceGone
        self.fetcher = self._messages = InMemoryMessages(limit=LIMIT, foreign=self.foreign)
        self.mailbox = mailbox
        self._numbers = count(1)

    def deliver(self, raw: bytes, at: datetime) -> Pointer:
        return self._put(self.mailbox, raw, at)

    def deliver_elsewhere(self, raw: bytes, at: datetime) -> Pointer:
        elsewhere = replace(self.mailbox, id="elsewhere", address="elsewhere@acme.example")
        return self._put(elsewhere, raw, at)

    def _put(self, mailbox: Mailbox, raw: bytes, at: datetime) -> Pointer:
        pointer = _pointer(mailbox, next(self._numbers))
        message = FetchedMessage(source_of(pointer), raw, at.astimezone(UTC))
        self._messages.put(message, mailbox)
        return pointer

    def delete(self, pointer: Pointer) -> None:
        self._messages.remove(source_of(pointer), self.mailbox)

    def move(self, pointer: Pointer) -> None:
        """There are no folders in memory."""

    def mark(self, pointer: Pointer) -> SourceHints:
        hints = SourceHints(labels=("seen",), keywords=("$flagged", "$seen"))
        self._messages.hint(source_of(pointer), hints, self.mailbox)
        return hints

    def refuse(self) -> None:
        self._messages.failures.append(AccessFailed("no entry"))

    def throttle(self, wait: timedelta) -> None:
        self._messages.failures.append(Throttled("busy", retry_after=wait))

    def break_down(self) -> None:
        self._messages.failures.append(Unavailable("broken"))

    def hang_up(self) -> None:
        self._messages.failures.append(Unavailable("away"))

    def mend(self) -> None:
        """Each failure is met once."""


def _pointer(mailbox: Mailbox, number: int) -> Pointer:
    match mailbox.provider:
        case "microsoft":
            return MicrosoftPointer("subscription-1", f"m{number}")
        case "google":
            return GooglePointer(number, mailbox.address, message_ids=(f"g{number}",))
        case _:
            return ImapPointer("INBOX", number, 1, MESSAGE_ID)
