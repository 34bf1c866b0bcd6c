from datetime import datetime, timedelta

from postroom.adapters.microsoft.fetcher import GraphFetcher
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.domain.mail.message import NO_HINTS, SourceHints
from postroom.domain.pointer import Pointer
from tests.adapters.graph_rig import USER, Rig, a_mailbox
from tests.contracts.message_fetcher.stage import LIMIT, Stage


class Graph(Stage):
    """When a message came in is read from the message itself."""

    def __init__(self, rig: Rig) -> None:
        self.fetcher = GraphFetcher(rig.client, rig.clock, LIMIT)
        self.mailbox = a_mailbox()
        self._graph, self._line = rig.graph, rig.line

    def deliver(self, raw: bytes, at: datetime) -> Pointer:  # noqa: ARG002 - it is in *raw*
        return MicrosoftPointer("subscription-1", self._graph.deliver(USER, raw))

    def deliver_elsewhere(self, raw: bytes, at: datetime) -> Pointer:  # noqa: ARG002 - as above
        return MicrosoftPointer("subscription-1", self._graph.deliver("sales@example.org", raw))

    def delete(self, pointer: Pointer) -> None:
        self._graph.delete(_id(pointer))

    def move(self, pointer: Pointer) -> None:
        self._graph.move(_id(pointer), "archive")

    def mark(self, pointer: Pointer) -> SourceHints:  # noqa: ARG002 - the MIME says none of it
        return NO_HINTS

    def refuse(self) -> None:
        self._graph.fail(USER, status=403, code="ErrorAccessDenied")

    def throttle(self, wait: timedelta) -> None:
        self._graph.throttle(USER, retry_after=str(wait.seconds))

    def break_down(self) -> None:
        self._graph.fail(USER, status=500)

    def hang_up(self) -> None:
        self._line.is_cut = True

    def mend(self) -> None:
        self._line.is_cut = False


def _id(pointer: Pointer) -> str:
    assert isinstance(pointer, MicrosoftPointer)
    return pointer.message_id
