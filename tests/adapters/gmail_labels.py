"""Mailboxes whose users have labels of their own, and receive by them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import httpx

from postroom.adapters.google import GmailClient
from postroom.adapters.google.account import FOLDER, GoogleAccount
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.google.labels import LabelChoice
from postroom.adapters.google.pointer import GooglePointer
from postroom.application.ports import Arrival, Clock
from postroom.domain.mailbox import Mailbox
from tests.adapters.gmail_rig import MAIL, SUPPORT, URL, Rig, gmail_rig
from tests.threads import sign_ins

SYSTEM = ("INBOX", "SENT", "SPAM", "TRASH", "DRAFT", "UNREAD", "IMPORTANT")


@dataclass
class Labels(httpx.AsyncBaseTransport):
    """Answers `labels.list` by *names*, by id, and has *gmail* answer all else."""

    gmail: httpx.AsyncBaseTransport
    names: dict[str, str]
    calls: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/labels"):
            return await self.gmail.handle_async_request(request)
        self.calls += 1
        system = [{"id": name, "name": name, "type": "system"} for name in SYSTEM]
        users = [{"id": id_, "name": name, "type": "user"} for id_, name in self.names.items()]
        return httpx.Response(200, json={"labels": [*system, *users]})


@dataclass(frozen=True)
class LabelsRig:
    """*labels* are what `labels.list` says of every mailbox."""

    rig: Rig
    client: GmailClient
    labels: Labels
    changes: GmailChanges

    def mailbox(self, choice: LabelChoice) -> Mailbox:
        mailbox = self.rig.mailbox()
        assert isinstance(mailbox.account, GoogleAccount)
        return replace(mailbox, account=replace(mailbox.account, labels=choice))

    def deliver(self, *labels: str, at: datetime | None = None) -> str:
        return self.rig.gmail.deliver(SUPPORT, MAIL, labels=labels, at=at)

    def relabel(self, message_id: str, *, add: str = "", remove: str = "") -> None:
        self.rig.gmail.relabel(SUPPORT, message_id, add=add.split(), remove=remove.split())

    async def by_history(self, mailbox: Mailbox, position: int) -> list[str]:
        pages = self.changes.since(mailbox, FOLDER, str(position))
        return [message_id async for page in pages for message_id in ids(page.arrivals)]

    async def by_date(self, mailbox: Mailbox, moment: datetime) -> list[str]:
        pages = self.changes.received_after(mailbox, FOLDER, moment)
        return [message_id async for page in pages for message_id in ids(page.arrivals)]


@asynccontextmanager
async def labels_rig(clock: Clock, names: dict[str, str]) -> AsyncIterator[LabelsRig]:
    async with gmail_rig(clock) as rig:
        labels = Labels(rig.line, names)
        async with httpx.AsyncClient(transport=labels) as http:
            client = GmailClient(http, clock, sign_ins(clock), URL)
            yield LabelsRig(rig, client, labels, GmailChanges(client, clock))


def ids(arrivals: Sequence[Arrival]) -> list[str]:
    pointers = [arrival.pointer for arrival in arrivals]
    return [each.message_ids[0] for each in pointers if isinstance(each, GooglePointer)]
