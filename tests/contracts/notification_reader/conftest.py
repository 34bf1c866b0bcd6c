"""The stages of NotificationReader."""

from collections.abc import AsyncIterator

import pytest

from postroom.adapters.memory.clock import ManualClock
from tests.adapters.push_rig import google_rig
from tests.contracts.notification_reader.gmail import Gmail
from tests.contracts.notification_reader.imap import Imap
from tests.contracts.notification_reader.in_body import Graph, Toy
from tests.contracts.notification_reader.mailboxes import Mailboxes
from tests.contracts.notification_reader.stage import Stage


@pytest.fixture(params=["graph", "gmail", "imap", "toy"])
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    match request.param:
        case "graph":
            yield Graph()
        case "gmail":
            async with google_rig(clock) as google:
                yield Gmail(google)
        case "imap":
            yield Imap(clock)
        case _:
            yield Toy()


@pytest.fixture
def mailboxes() -> Mailboxes:
    return Mailboxes()


@pytest.fixture
async def _is_ours(stage: Stage, mailboxes: Mailboxes) -> None:
    """The mailbox of the stage is one of ours."""
    await mailboxes.add(stage.mailbox)
