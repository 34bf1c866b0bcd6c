from dataclasses import replace
from datetime import datetime, timedelta, timezone

from postroom.adapters.imap.fetcher import ImapFetcher
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.domain.account import Secret
from postroom.domain.failure import SourceGone
from postroom.domain.mail.message import SourceHints
from postroom.domain.pointer import Pointer
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.contracts.message_fetcher.stage import LIMIT, MESSAGE_ID, Stage
from tests.served_mailbox import FakeMailbox, ServedMailbox

FOLDER = "Anfragen"
"""Not the INBOX, which real servers do not let go."""


class Imap(Stage):
    """Only the scripted server can be made to fail, and to live in another time zone."""

    foreign = SourceGone

    def __init__(
        self, served: ServedMailbox, elsewhere: ServedMailbox, connections: ConnectionPool
    ) -> None:
        self.fetcher = ImapFetcher(connections, LIMIT)
        self.mailbox = served.mailbox
        self._served, self._elsewhere = served, elsewhere
        for each in (served, elsewhere):
            each.create(FOLDER)
        if isinstance(served, FakeMailbox):
            served.server.zone = timezone(timedelta(hours=5, minutes=45))

    def deliver(self, raw: bytes, at: datetime) -> Pointer:
        return _deliver(self._served, raw, at)

    def deliver_elsewhere(self, raw: bytes, at: datetime) -> Pointer:
        return _deliver(self._elsewhere, raw, at)

    def delete(self, pointer: Pointer) -> None:
        assert isinstance(pointer, ImapPointer)
        self._served.expunge(pointer.uid, folder=FOLDER)

    def move(self, pointer: Pointer) -> None:  # noqa: ARG002 - it befalls the whole folder
        self._served.rebuild(FOLDER)

    def mark(self, pointer: Pointer) -> SourceHints:
        assert isinstance(pointer, ImapPointer)
        self._served.flag(
            pointer.uid, r"\Seen", r"\Flagged", r"\Deleted", "$Forwarded", folder=FOLDER
        )
        return SourceHints(
            id=f"{FOLDER};UIDVALIDITY={pointer.uid_validity};UID={pointer.uid}",
            folder=FOLDER,
            keywords=("$flagged", "$forwarded", "$seen"),
        )

    def refuse(self) -> None:
        account = replace(self._served.account, password=Secret("wrong"))
        self.mailbox = replace(self.mailbox, account=account)

    def throttle(self, wait: timedelta) -> None:
        raise NotImplementedError("IMAP has no word for it")

    def break_down(self) -> None:
        self._script.refusals["EXAMINE"] = "NO [UNAVAILABLE] come back later"

    def hang_up(self) -> None:
        self._script.hangs_up.add("UID FETCH")

    def mend(self) -> None:
        self._script.refusals.clear()
        self._script.hangs_up.clear()

    @property
    def _script(self) -> ImapServer:
        assert isinstance(self._served, FakeMailbox)
        return self._served.server


def _deliver(served: ServedMailbox, raw: bytes, at: datetime) -> Pointer:
    uid = served.deliver(raw, folder=FOLDER, received_at=at)
    return ImapPointer(FOLDER, uid, served.uid_validity(FOLDER), MESSAGE_ID)
