"""What the suite of ChangeSource runs on, at an IMAP server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from postroom.adapters.imap.changes import ImapChanges
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Arrival
from postroom.domain.failure import Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters import imap_rig

MAIL = b"Subject: Hello\r\n\r\nHello\r\n"
FOLDERS = ("INBOX", "Orders")
USERS = ("support", "sales")


@dataclass
class ImapStage:
    """The pointers to what is in a folder are others when its positions have expired."""

    server: ImapServer
    connections: ConnectionPool
    clock: ManualClock
    folders: tuple[str, ...] = FOLDERS
    page_size: int = 100

    def __post_init__(self) -> None:
        self.changes = ImapChanges(self.connections, self.page_size)

    def mailbox(self, name: str = "support") -> Mailbox:
        account = imap_rig.account(self.server.port, username=name)
        return replace(imap_rig.mailbox(replace(account, folders=FOLDERS)), id=name)

    def receive(self, mailbox: Mailbox, messages: int = 1, *, folder: str = "") -> list[Arrival]:
        name, now = folder or FOLDERS[0], self.clock.now()
        uid_validity = self.server.folders[mailbox.id][name].uid_validity
        uids = [
            self.server.deliver(mailbox.id, MAIL, folder=name, received_at=now)
            for _ in range(messages)
        ]
        return [Arrival(ImapPointer(name, uid, uid_validity), now) for uid in uids]

    def expire(self, mailbox: Mailbox) -> None:
        for name in FOLDERS:
            self.server.change_uidvalidity(mailbox.id, folder=name)

    def remove_folder(self, mailbox: Mailbox, folder: str) -> None:
        del self.server.folders[mailbox.id][folder]

    def break_down(self, mailbox: Mailbox, failure: Throttled | Unavailable) -> None:  # noqa: ARG002 - it befalls all mailboxes
        if isinstance(failure, Throttled):
            pytest.skip("IMAP has no word for it")
        self.server.refusals["EXAMINE"] = "NO [UNAVAILABLE] come back later"


@asynccontextmanager
async def imap(clock: ManualClock) -> AsyncIterator[ImapStage]:
    users = dict.fromkeys(USERS, imap_rig.PASSWORD)
    connections = ConnectionPool(ImapClient())
    async with ImapServer(users, clock=clock) as server:
        for user in USERS:
            server.create(user, "Orders")
        yield ImapStage(server, connections, clock)
        await connections.aclose()
