"""IMAP: a listener of ours holds connections, or one elsewhere hands pointers off, signed."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from postroom.adapters.http.standard_webhooks import key_of, sign
from postroom.adapters.imap.account import INBOX, ImapAccount
from postroom.adapters.imap.hand_off_proof import Signature
from postroom.adapters.imap.notifications import HandOffReader
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.fetcher import source_of
from postroom.adapters.memory.listener import InMemoryListener
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.application.ports import Arrival, ListenerSession, Provider
from postroom.domain.account import Secret
from postroom.domain.failure import Failure
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.features.providers.stage import Request, Stage
from tests.features.waits import Waits

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


class Imap(Stage):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.waits = Waits(self.rig.clock)
        self.listener = ClockedListener(self.waits)
        self.uid_validity = 1
        self._lying: list[Arrival] = []

    def provider(self) -> Provider:
        made = InMemoryProvider(
            name=ImapPointer.provider,
            account=ImapAccount,
            pointer=ImapPointer,
            changes=self.changes,
            messages=self.messages,
            notifications=HandOffReader(Signature({self.tenant: SECRET}, self.rig.clock)),
            listener=self.listener,
        )
        return made()

    def account(self, name: str) -> ImapAccount:
        return ImapAccount(
            host="imap.example.test", port=993, username=name, password=Secret("secret")
        )

    def pointer(self, _: Mailbox, number: int) -> ImapPointer:
        return ImapPointer(INBOX, number, self.uid_validity)

    async def announcement(
        self, mailbox: Mailbox, pointer: Pointer, *, genuine: bool = True
    ) -> Request:
        assert isinstance(pointer, ImapPointer)
        place = {"folder": INBOX, "uid": pointer.uid, "uid_validity": pointer.uid_validity}
        body = json.dumps({"mailbox": mailbox.id, "pointers": [place]}).encode()
        key = key_of(SECRET) if genuine else b"a guess that is long enough"
        stamp = str(int(self.rig.clock.now().timestamp()))
        headers = {
            "postroom-tenant": mailbox.tenant,
            "webhook-id": "m1",
            "webhook-timestamp": stamp,
            "webhook-signature": sign(key, message_id="m1", timestamp=stamp, body=body),
        }
        return Request("/webhooks/imap", body, headers)

    def rebuild(self, mailbox: Mailbox) -> None:
        """The server gives the messages of the folder other UIDs."""
        self.uid_validity += 1
        arrivals = []
        for number, arrival in enumerate(self.changes.arrivals(mailbox), 1):
            message = self.messages.messages.pop(source_of(arrival.pointer))
            pointer = self.pointer(mailbox, number)
            self.messages.messages[source_of(pointer)] = message
            arrivals.append(Arrival(pointer, arrival.received_at))
        self.changes.rebuild(mailbox, arrivals)

    def break_down(self, mailbox: Mailbox, failure: Failure) -> None:
        super().break_down(mailbox, failure)
        self.listener.break_down(mailbox, failure)

    def repair(self, mailbox: Mailbox) -> None:
        super().repair(mailbox)
        self.listener.repair(mailbox)


class ClockedListener(InMemoryListener):
    """Waits for changes by the clock of the scenario."""

    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self._waits = waits

    @asynccontextmanager
    async def open(self, mailbox: Mailbox, folder: str) -> AsyncIterator[ListenerSession]:
        async with super().open(mailbox, folder) as session:
            yield _ClockedSession(session, self._waits)


class _ClockedSession(ListenerSession):
    def __init__(self, session: ListenerSession, waits: Waits) -> None:
        self._session = session
        self._waits = waits

    async def changed(self, within: timedelta) -> bool:
        heard = self._session.changed(timedelta(days=1))  # a day of ours: not in this scenario
        return await self._waits.race(heard, within) or False
