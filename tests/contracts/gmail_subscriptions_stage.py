"""What the suite of Subscriptions runs on, at Gmail: watches."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from postroom.adapters.google.account import FOLDER, GoogleAccount
from postroom.adapters.google.watches import GmailSubscriptions
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Subscriptions
from postroom.domain.failure import Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_rig import Rig, gmail_rig

TOPIC = "projects/project/topics/postroom"
OTHER_TOPIC = "projects/project/topics/another"


@dataclass
class GmailStage:
    """A mailbox has one folder and one watch, which shows neither an id nor a secret."""

    rig: Rig
    clock: ManualClock
    folder: str = FOLDER
    revives: bool = True
    shows_ids: bool = False

    def __post_init__(self) -> None:
        self.subscriptions = GmailSubscriptions(
            self.rig.client, self.clock, "https://postroom.example"
        )
        for topic in (TOPIC, OTHER_TOPIC):
            self.rig.gmail.pubsub.create_topic(topic)

    def mailbox(self, name: str = "support") -> Mailbox:
        return with_topic(self.rig.mailbox(f"{name}@example.org", name), TOPIC)

    def moved(self) -> Mailbox:
        return with_topic(self.mailbox(), OTHER_TOPIC)

    def other_folder(self) -> str:
        pytest.skip("the one folder is the mailbox")

    def at(self, public_url: str) -> Subscriptions:  # noqa: ARG002 - it makes no difference
        pytest.skip("a watch goes to a topic, and those of another project are no matter")

    def refuse(self) -> None:
        self.rig.gmail.pubsub.topics.get(TOPIC).publishers.clear()

    async def lose(self, subscription_id: str) -> None:  # noqa: ARG002 - a watch has none
        await self.subscriptions.remove(self.mailbox(), "")

    def live(self, mailbox: Mailbox) -> int:
        return len(self.rig.gmail.watches(mailbox.address))

    def shown(self, subscription_id: str) -> str:  # noqa: ARG002 - a watch has none
        return ""

    def break_down(self, failure: Throttled | Unavailable) -> None:
        refused = isinstance(failure, Throttled)
        fault = (
            GoogleError(429, "rateLimitExceeded") if refused else GoogleError(503, "backendError")
        )
        for method in ("watch", "stop"):
            self.rig.gmail.fail(method, fault)


def with_topic(mailbox: Mailbox, topic: str) -> Mailbox:
    assert isinstance(mailbox.account, GoogleAccount)
    return replace(mailbox, account=replace(mailbox.account, pubsub_topic=topic))


@asynccontextmanager
async def gmail(clock: ManualClock) -> AsyncIterator[GmailStage]:
    async with gmail_rig(clock) as rig:
        yield GmailStage(rig, clock)
