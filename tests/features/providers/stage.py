"""What a scenario does in the place of any provider: deliver mail, announce it, and break down."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import httpx

from postroom.adapters.memory.fetcher import source_of
from postroom.application.ports import Arrival, FetchedMessage, Provider
from postroom.domain.account import Account
from postroom.domain.failure import Failure
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.features.changes import CountedChanges
from tests.features.flapping import GatedMessages
from tests.features.rigs import Rig


@dataclass(frozen=True)
class Request:
    path: str
    body: bytes
    headers: dict[str, str]

    async def send(self, client: httpx.AsyncClient) -> httpx.Response:
        headers = {"content-type": "application/json", **self.headers}
        return await client.post(self.path, content=self.body, headers=headers)


@dataclass
class Stage(ABC):
    """A provider with its real accounts, pointers and notification reader, and all else in memory.

    *messages* are those of all providers.
    """

    rig: Rig
    tenant: str
    messages: GatedMessages

    def __post_init__(self) -> None:
        self.changes = CountedChanges(gate=self.messages.gate)
        self._numbers = count(1)

    @abstractmethod
    def provider(self) -> Provider: ...

    @abstractmethod
    def account(self, name: str) -> Account: ...

    @abstractmethod
    def pointer(self, mailbox: Mailbox, number: int) -> Pointer:
        """To the message of that *number*, as it is listed."""

    @abstractmethod
    async def announcement(
        self, mailbox: Mailbox, pointer: Pointer, *, genuine: bool = True
    ) -> Request:
        """What is posted to us of a message that was delivered, or by somebody who pretends so."""

    def deliver(
        self, mailbox: Mailbox, raw: bytes, *, ago: timedelta = timedelta(), listed: bool = True
    ) -> Pointer:
        """A message comes in, dated some time *ago*; nobody is notified of it yet."""
        pointer = self.pointer(mailbox, next(self._numbers))
        received_at = self.rig.clock.now() - ago
        self.messages.put(FetchedMessage(source_of(pointer), raw, received_at))
        if listed:
            self.show(mailbox, pointer)
        return pointer

    def show(self, mailbox: Mailbox, pointer: Pointer) -> None:
        """From now on lists show a message that was delivered."""
        received_at = self.messages.messages[source_of(pointer)].received_at
        self.changes.deliver(mailbox, Arrival(pointer, received_at))

    def break_down(self, mailbox: Mailbox, failure: Failure) -> None:
        """From now on every use of the mailbox fails."""
        self.changes.break_down(mailbox, failure)
        self.messages.failures.extend([failure] * 10_000)

    def flap(self, failure: Failure, *, one_in: int) -> None:
        """From now on one call in so many comes through."""
        self.messages.gate.one_in, self.messages.gate.failure = one_in, failure

    def repair(self, mailbox: Mailbox) -> None:
        self.changes.repair(mailbox)
        self.messages.failures.clear()
