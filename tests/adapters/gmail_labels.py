"""Mailboxes whose users have labels of their own, and receive by them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from postroom.adapters.google import GmailClient
from postroom.adapters.google.account import FOLDER, GoogleAccount
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.google.labels import LabelChoice
from postroom.adapters.google.pointer import GooglePointer
from postroom.application.ports import Arrival, Clock
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GmailEmulator
from tests.adapters.gmail_rig import MAIL, SUPPORT, Rig, gmail_rig


@dataclass(frozen=True)
class LabelsRig:
    """*labels* are the names of all those of the mailbox, by id."""

    rig: Rig
    labels: dict[str, str]
    changes: GmailChanges

    @property
    def gmail(self) -> GmailEmulator:
        return self.rig.gmail

    @property
    def client(self) -> GmailClient:
        return self.rig.client

    @property
    def history_id(self) -> int:
        return self.gmail.history_id(SUPPORT)

    def mailbox(self, choice: LabelChoice) -> Mailbox:
        mailbox = self.rig.mailbox()
        assert isinstance(mailbox.account, GoogleAccount)
        return replace(mailbox, account=replace(mailbox.account, labels=choice))

    def deliver(self, *labels: str, at: datetime | None = None) -> str:
        return self.gmail.deliver(SUPPORT, MAIL, labels=labels, at=at)

    def relabel(self, message_id: str, *, add: str = "", remove: str = "") -> None:
        self.gmail.relabel(SUPPORT, message_id, add=add.split(), remove=remove.split())

    async def by_history(self, mailbox: Mailbox, position: int) -> list[str]:
        pages = self.changes.since(mailbox, FOLDER, str(position))
        return [message_id async for page in pages for message_id in ids(page.arrivals)]

    async def by_date(self, mailbox: Mailbox, moment: datetime) -> list[str]:
        pages = self.changes.received_after(mailbox, FOLDER, moment)
        return [message_id async for page in pages for message_id in ids(page.arrivals)]


@asynccontextmanager
async def labels_rig(clock: Clock, names: dict[str, str]) -> AsyncIterator[LabelsRig]:
    async with gmail_rig(clock) as rig:
        labels = rig.gmail.mailbox(SUPPORT).labels
        labels |= names
        yield LabelsRig(rig, labels, GmailChanges(rig.client, clock))


def ids(arrivals: Sequence[Arrival]) -> list[str]:
    pointers = [arrival.pointer for arrival in arrivals]
    return [each.message_ids[0] for each in pointers if isinstance(each, GooglePointer)]
