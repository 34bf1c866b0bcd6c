"""What the suite of ChangeSource runs on, at Gmail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from postroom.adapters.google.account import FOLDER
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Arrival
from postroom.domain.failure import Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_rig import MAIL, Rig, gmail_rig, pointer


@dataclass
class GmailStage:
    """Gmail has one folder, and lists no dates."""

    rig: Rig
    clock: ManualClock
    folders: tuple[str, ...] = (FOLDER,)
    page_size: int = 100

    def __post_init__(self) -> None:
        self.changes = GmailChanges(self.rig.client, self.clock, self.page_size)

    def mailbox(self, name: str = "support") -> Mailbox:
        return self.rig.mailbox(f"{name}@example.org", name)

    def receive(self, mailbox: Mailbox, messages: int = 1, *, folder: str = "") -> list[Arrival]:  # noqa: ARG002 - there is only one
        address = mailbox.address
        ids = [self.rig.gmail.deliver(address, MAIL) for _ in range(messages)]
        return [Arrival(pointer(each, address)) for each in ids]

    def expire(self, mailbox: Mailbox) -> None:
        """Something happens first: Gmail never forgets how the history stands now."""
        self.rig.gmail.deliver(mailbox.address, MAIL, labels=["SENT"])
        self.rig.gmail.expire_history(mailbox.address)

    def remove_folder(self, mailbox: Mailbox, folder: str) -> None:  # noqa: ARG002 - it stays
        pytest.skip("the one folder is the mailbox")

    def break_down(self, mailbox: Mailbox, failure: Throttled | Unavailable) -> None:  # noqa: ARG002 - it befalls all mailboxes
        wait = failure.retry_after
        status = 429 if isinstance(failure, Throttled) else 503
        headers = {"Retry-After": str(int(wait.total_seconds()))} if wait else {}
        for method in ("getProfile", "history.list", "messages.list"):
            self.rig.gmail.fail(method, GoogleError(status, "trouble", headers=headers))


@asynccontextmanager
async def gmail(clock: ManualClock) -> AsyncIterator[GmailStage]:
    async with gmail_rig(clock) as rig:
        yield GmailStage(rig, clock)
