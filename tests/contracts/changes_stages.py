"""What the suite of FolderChanges runs on, in memory and at Graph."""

from abc import abstractmethod
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from postroom.adapters.memory.changes import InMemoryFolderChanges
from postroom.adapters.microsoft.changes import GraphChanges
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Arrival, FolderChanges
from postroom.domain.failure import Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_rig import RAW, Rig


class Stage(Protocol):
    """Changes under test, and what can happen in the folders."""

    changes: FolderChanges

    @abstractmethod
    def receive(
        self, mailbox: Mailbox, messages: int = 1, *, folder: str = "inbox"
    ) -> list[Arrival]: ...

    @abstractmethod
    def expire(self, mailbox: Mailbox) -> None: ...

    @abstractmethod
    def remove_folder(self, mailbox: Mailbox, folder: str) -> None: ...

    @abstractmethod
    def break_down(self, mailbox: Mailbox, failure: Throttled | Unavailable) -> None: ...


@dataclass
class InMemory(Stage):
    rig: Rig

    def __post_init__(self) -> None:
        self.changes = self._changes = InMemoryFolderChanges()
        self._serial = count(1)

    def receive(
        self, mailbox: Mailbox, messages: int = 1, *, folder: str = "inbox"
    ) -> list[Arrival]:
        arrivals = [
            Arrival(MicrosoftPointer("", f"m{next(self._serial)}"), self.rig.clock.now())
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

    def __post_init__(self) -> None:
        self.changes = GraphChanges(self.rig.client)

    def receive(
        self, mailbox: Mailbox, messages: int = 1, *, folder: str = "inbox"
    ) -> list[Arrival]:
        graph, now = self.rig.graph, self.rig.clock.now()
        ids = [graph.deliver(mailbox.address, RAW, folder) for _ in range(messages)]
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
