"""Messages that a test, or a feature, puts where a pointer will look for them."""

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace

from postroom.application.ports import FetchedMessage, MessageFetcher
from postroom.domain.failure import Failure, SourceGone, Unprocessable
from postroom.domain.mail.message import SourceHints
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


@dataclass
class InMemoryMessages(MessageFetcher):
    """*messages* by source, where any mailbox finds them; each mailbox has others of its own.

    *failures* are raised one a fetch; *broken* at every fetch. *fetched* holds the source of each
    fetch, in order. *limit* is in bytes of a message. *foreign* is raised for a message of another
    mailbox: Unprocessable if a pointer shows whose it is, and SourceGone if it does not.
    """

    messages: dict[str, FetchedMessage] = field(default_factory=dict)
    failures: deque[Failure] = field(default_factory=deque)
    broken: dict[str, Failure] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    limit: int = 50 * 2**20
    foreign: type[SourceGone | Unprocessable] = Unprocessable
    _own: defaultdict[tuple[str, str], dict[str, FetchedMessage]] = field(
        default_factory=lambda: defaultdict(dict), repr=False
    )

    def put(self, message: FetchedMessage, mailbox: Mailbox | None = None) -> None:
        """Into *mailbox* alone, or where any mailbox finds it."""
        found_in = self._own[_name(mailbox)] if mailbox else self.messages
        found_in[message.source] = message

    def hint(self, source: str, hints: SourceHints, mailbox: Mailbox) -> None:
        """Of what was put there."""
        own = self._own[_name(mailbox)]
        own[source] = replace(own[source], hints=hints)

    def remove(self, source: str, mailbox: Mailbox | None = None) -> None:
        """What was put there, if it is there still."""
        (self._own[_name(mailbox)] if mailbox else self.messages).pop(source, None)

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        source = source_of(pointer)
        self.fetched.append(source)
        _check(mailbox, pointer)
        if self.failures:
            raise self.failures.popleft()
        if source in self.broken:
            raise self.broken[source]
        message = self._find(mailbox, pointer)
        if len(message.raw) > self.limit:
            raise Unprocessable(f"the message is larger than {self.limit} bytes")
        return message

    def _find(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        source = source_of(pointer)
        if found := self._own[_name(mailbox)].get(source) or self.messages.get(source):
            return found
        if any(source in messages for messages in self._own.values()):
            raise self.foreign("there is no such message in this mailbox")
        raise SourceGone("there is no such message")


def _name(mailbox: Mailbox) -> tuple[str, str]:
    return mailbox.tenant, mailbox.id


def _check(mailbox: Mailbox, pointer: Pointer) -> None:
    """Raises Unprocessable if the pointer shows by itself that it is none of the mailbox's."""
    if pointer.provider != mailbox.provider:
        raise Unprocessable(f"a {pointer.provider} pointer for a {mailbox.provider} mailbox")
    if pointer.changed_folder is not None:
        raise Unprocessable("the pointer is of no single message")


def source_of(pointer: Pointer) -> str:
    """The provider's own id of the message, as its fetcher would name it."""
    _, *of_message = pointer.key
    return ":".join([pointer.provider, *of_message])
