"""What the suite of ChangeSource runs on: one stage for each provider, and one in memory."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.changes import GraphChanges
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Arrival, ChangeSource
from postroom.domain.failure import Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_rig import ACCOUNT, RAW, Rig, a_mailbox, graph_rig
from tests.contracts.gmail_changes_stage import gmail
from tests.contracts.imap_changes_stage import imap


class Stage(Protocol):
    """A source under test, and what can happen in the *folders* of a mailbox there.

    A page holds *page_size* messages at the most. What `receive` returns is as it is listed.
    """

    changes: ChangeSource
    folders: tuple[str, ...]
    page_size: int

    @abstractmethod
    def mailbox(self, name: str = "support") -> Mailbox: ...

    @abstractmethod
    def receive(
        self, mailbox: Mailbox, messages: int = 1, *, folder: str = ""
    ) -> list[Arrival]: ...

    @abstractmethod
    def expire(self, mailbox: Mailbox) -> None: ...

    @abstractmethod
    def remove_folder(self, mailbox: Mailbox, folder: str) -> None: ...

    @abstractmethod
    def break_down(self, mailbox: Mailbox, failure: Throttled | Unavailable) -> None: ...


FOLDERS = ("inbox", "Inbox/Orders")


def _mailbox(name: str) -> Mailbox:
    user = f"{name}@example.org"
    found = a_mailbox(user, replace(ACCOUNT, folders=FOLDERS))
    return replace(found, id=name, address=user)


@dataclass
class InMemory(Stage):
    clock: ManualClock
    folders: tuple[str, ...] = FOLDERS
    page_size: int = 100
    _serial: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.changes = self._changes = InMemoryChanges(self.page_size)

    def mailbox(self, name: str = "support") -> Mailbox:
        return _mailbox(name)

    def receive(self, mailbox: Mailbox, messages: int = 1, *, folder: str = "") -> list[Arrival]:
        arrivals = [
            Arrival(MicrosoftPointer("", f"m{next(self._serial)}"), self.clock.now())
            for _ in range(messages)
        ]
        for each in arrivals:
            self._changes.deliver(mailbox, each, folder=folder)
        return arrivals

    def expire(self, mailbox: Mailbox) -> None:
        self._changes.expire(mailbox)

    def remove_folder(self, mailbox: Mailbox, folder: str) -> None:
        self._changes.remove_folder(mailbox, folder)

    def break_down(self, mailbox: Mailbox, failure: Throttled | Unavailable) -> None:
        self._changes.break_down(mailbox, failure)


@dataclass
class Graph(Stage):
    rig: Rig
    folders: tuple[str, ...] = FOLDERS
    page_size: int = 100

    def __post_init__(self) -> None:
        self.changes = GraphChanges(self.rig.client)

    def mailbox(self, name: str = "support") -> Mailbox:
        return _mailbox(name)

    def receive(self, mailbox: Mailbox, messages: int = 1, *, folder: str = "") -> list[Arrival]:
        graph, now = self.rig.graph, self.rig.clock.now()
        name = folder or self.folders[0]
        ids = [graph.deliver(mailbox.address, RAW, name) for _ in range(messages)]
        return [Arrival(MicrosoftPointer("", each), now) for each in ids]

    def expire(self, mailbox: Mailbox) -> None:  # noqa: ARG002 - Graph forgets them all at once
        self.rig.graph.expire_delta_tokens()

    def remove_folder(self, mailbox: Mailbox, folder: str) -> None:
        self.rig.graph.remove_folder(mailbox.address, folder)

    def break_down(self, mailbox: Mailbox, failure: Throttled | Unavailable) -> None:
        wait = failure.retry_after
        self.rig.graph.fail(
            mailbox.address,
            status=429 if isinstance(failure, Throttled) else 500,
            retry_after=str(int(wait.total_seconds())) if wait else "",
        )


@asynccontextmanager
async def in_memory(clock: ManualClock) -> AsyncIterator[Stage]:
    yield InMemory(clock)


@asynccontextmanager
async def graph(clock: ManualClock) -> AsyncIterator[Stage]:
    async with graph_rig(clock) as rig:
        for name in ("support", "sales"):
            rig.graph.add_folder(f"{name}@example.org", "Inbox/Orders")
        yield Graph(rig)


STAGES = (in_memory, graph, gmail, imap)
