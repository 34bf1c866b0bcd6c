"""Messages that a test, or a feature, puts where a pointer will look for them."""

from collections import deque
from dataclasses import dataclass, field

from postroom.application.ports import FetchedMessage, MessageFetcher
from postroom.domain.failure import Failure, SourceGone
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


@dataclass
class InMemoryMessages(MessageFetcher):
    """*messages* by source. *failures* are raised one a fetch; *broken* at every fetch.

    *fetched* holds the source of each fetch, in order.
    """

    messages: dict[str, FetchedMessage] = field(default_factory=dict)
    failures: deque[Failure] = field(default_factory=deque)
    broken: dict[str, Failure] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def put(self, message: FetchedMessage) -> None:
        self.messages[message.source] = message

    async def fetch(self, _: Mailbox, pointer: Pointer) -> FetchedMessage:
        source = source_of(pointer)
        self.fetched.append(source)
        if self.failures:
            raise self.failures.popleft()
        if source in self.broken:
            raise self.broken[source]
        if source not in self.messages:
            raise SourceGone("there is no such message")
        return self.messages[source]


def source_of(pointer: Pointer) -> str:
    """The provider's own id of the message, as its fetcher would name it."""
    _, *of_message = pointer.key
    return ":".join([pointer.provider, *of_message])
