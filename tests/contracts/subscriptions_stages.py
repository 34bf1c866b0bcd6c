"""What the suite of Subscriptions runs on: one stage for each provider, and one in memory."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.ports import Subscriptions
from postroom.domain.failure import Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from tests.adapters.graph_rig import ACCOUNT, Rig, a_mailbox, graph_rig
from tests.contracts.gmail_subscriptions_stage import gmail

FOLDERS = ("inbox", "Inbox/Orders")


class Stage(Protocol):
    """Subscriptions under test, and what a provider can do about them.

    One that *revives* makes one again that is gone, when it is to be renewed. Some providers do not
    show ids.
    """

    subscriptions: Subscriptions
    folder: str
    revives: bool
    shows_ids: bool

    @abstractmethod
    def mailbox(self, name: str = "support") -> Mailbox: ...

    @abstractmethod
    def moved(self) -> Mailbox:
        """The same mailbox, whose notifications are to go elsewhere."""

    @abstractmethod
    def other_folder(self) -> str:
        """Skips the test where there is none."""

    @abstractmethod
    def at(self, public_url: str) -> Subscriptions:
        """The same provider, for a Postroom elsewhere."""

    @abstractmethod
    def refuse(self) -> None: ...

    @abstractmethod
    async def lose(self, subscription_id: str) -> None: ...

    @abstractmethod
    def live(self, mailbox: Mailbox) -> int:
        """How many there are of that mailbox, whatever we are shown."""

    @abstractmethod
    def shown(self, subscription_id: str) -> str:
        """The secret that its notifications show; empty if they show none."""

    @abstractmethod
    def break_down(self, failure: Throttled | Unavailable) -> None: ...


def mailbox_of(name: str) -> Mailbox:
    user = f"{name}@example.org"
    return replace(a_mailbox(user, replace(ACCOUNT, folders=FOLDERS)), id=name, address=user)


@dataclass
class InMemory(Stage):
    clock: ManualClock
    folder: str = FOLDERS[0]
    revives: bool = False
    shows_ids: bool = True

    def __post_init__(self) -> None:
        self.subscriptions = self._provider = InMemorySubscriptions(self.clock)

    def mailbox(self, name: str = "support") -> Mailbox:
        return mailbox_of(name)

    def moved(self) -> Mailbox:
        return mailbox_of("support")

    def other_folder(self) -> str:
        return FOLDERS[1]

    def at(self, public_url: str) -> Subscriptions:
        return replace(self._provider, endpoint=f"{public_url}/webhooks/microsoft")

    def refuse(self) -> None:
        self._provider.refusal = "nobody answers there"

    async def lose(self, subscription_id: str) -> None:
        self._provider.lose(subscription_id)

    def live(self, mailbox: Mailbox) -> int:
        return len(self._provider.live(mailbox))

    def shown(self, subscription_id: str) -> str:
        return self._provider.shown[subscription_id]

    def break_down(self, failure: Throttled | Unavailable) -> None:
        self._provider.failures.append(failure)


@dataclass
class Graph(Stage):
    rig: Rig
    folder: str = FOLDERS[0]
    revives: bool = False
    shows_ids: bool = True

    def __post_init__(self) -> None:
        self.subscriptions = self.rig.subscriptions()

    def mailbox(self, name: str = "support") -> Mailbox:
        return mailbox_of(name)

    def moved(self) -> Mailbox:
        return mailbox_of("support")

    def other_folder(self) -> str:
        return FOLDERS[1]

    def at(self, public_url: str) -> Subscriptions:
        return self.rig.subscriptions(public_url)

    def refuse(self) -> None:
        self.rig.subscribed_folder.repeat = "not what was asked for"

    async def lose(self, subscription_id: str) -> None:
        await self.rig.graph.remove_subscription(subscription_id, notify=False)

    def live(self, mailbox: Mailbox) -> int:
        path = f"/users/{mailbox.address}/"
        return sum(each["resource"].startswith(path) for each in self.rig.graph.subscriptions)

    def shown(self, subscription_id: str) -> str:
        [found] = [each for each in self.rig.graph.subscriptions if each["id"] == subscription_id]
        return str(found["clientState"])

    def break_down(self, failure: Throttled | Unavailable) -> None:
        wait = failure.retry_after
        self.rig.graph.fail(
            "subscriptions",
            status=429 if isinstance(failure, Throttled) else 500,
            retry_after=str(int(wait.total_seconds())) if wait else "",
        )


@asynccontextmanager
async def in_memory(clock: ManualClock) -> AsyncIterator[Stage]:
    yield InMemory(clock)


@asynccontextmanager
async def graph(clock: ManualClock) -> AsyncIterator[Stage]:
    async with graph_rig(clock) as rig:
        for user in ("support@example.org", "sales@example.org"):
            rig.graph.add_folder(user, "Inbox/Orders")
        yield Graph(rig)


STAGES = (in_memory, graph, gmail)
