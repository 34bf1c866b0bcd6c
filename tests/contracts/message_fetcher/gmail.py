from datetime import datetime, timedelta

from postroom.adapters.google import GmailFetcher
from postroom.adapters.google.pointer import GooglePointer
from postroom.domain.mail.message import SourceHints
from postroom.domain.pointer import Pointer
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_rig import SUPPORT, Rig, pointer
from tests.contracts.message_fetcher.stage import LIMIT, Stage


class Gmail(Stage):
    def __init__(self, rig: Rig) -> None:
        self.fetcher = GmailFetcher(rig.client, LIMIT)
        self.mailbox = rig.mailbox(SUPPORT)
        self._gmail, self._line = rig.gmail, rig.line

    def deliver(self, raw: bytes, at: datetime) -> Pointer:
        return self._deliver(SUPPORT, raw, at)

    def deliver_elsewhere(self, raw: bytes, at: datetime) -> Pointer:
        return self._deliver("sales@example.org", raw, at)

    def _deliver(self, address: str, raw: bytes, at: datetime) -> Pointer:
        return pointer(self._gmail.deliver(address, raw, at=at), address)

    def delete(self, pointer: Pointer) -> None:
        self._gmail.delete(SUPPORT, _id(pointer))

    def move(self, pointer: Pointer) -> None:
        self._gmail.relabel(SUPPORT, _id(pointer), add=["TRASH"], remove=["INBOX", "UNREAD"])

    def mark(self, pointer: Pointer) -> SourceHints:
        message_id = _id(pointer)
        self._gmail.relabel(SUPPORT, message_id, add=["STARRED"], remove=["UNREAD"])
        return SourceHints(
            thread_id=message_id,  # the first of its thread gives that its id
            labels=("INBOX", "STARRED"),
            keywords=("$flagged", "$seen"),
        )

    def refuse(self) -> None:
        self._fail(GoogleError(403, "insufficientPermissions"))

    def throttle(self, wait: timedelta) -> None:
        headers = {"Retry-After": str(wait.seconds)}
        self._fail(GoogleError(429, "rateLimitExceeded", headers=headers))

    def break_down(self) -> None:
        self._fail(GoogleError(503, "backendError"))

    def _fail(self, error: GoogleError) -> None:
        self._gmail.fail("messages.get", error)

    def hang_up(self) -> None:
        self._line.is_cut = True

    def mend(self) -> None:
        self._line.is_cut = False


def _id(pointer: Pointer) -> str:
    assert isinstance(pointer, GooglePointer)
    [message_id] = pointer.message_ids
    return message_id
