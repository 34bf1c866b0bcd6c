"""What every stage of NotificationReader has: a reader, and what its provider sends."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from postroom.application.ports import NotificationReader, WebhookRequest
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer

SECRET = "the-secret-that-proves-it"
GUESS = "a-guess-that-proves-nothing"
ANOTHERS = "the-secret-of-another-mailbox"

WRONG = ("", GUESS, "é", "\0", SECRET.upper(), SECRET[:-1], f"{SECRET} ", "9" * 5000)
"""What somebody may show who does not know SECRET."""


class Stage(Protocol):
    """A reader under test, and the requests that its provider sends about *mailbox*.

    Whoever sends one about a subscription shows SECRET, if it is of SUBSCRIPTION. Where a sender
    *is_known_first*, nothing of the body says who it is.
    """

    reader: NotificationReader
    mailbox: Mailbox
    pointer: type[Pointer]
    is_known_first: bool = False

    @abstractmethod
    def content(self) -> Any:  # noqa: ANN401 - JSON
        """The body that announces something in the mailbox: two messages, if it can."""

    @abstractmethod
    def sent(self, body: bytes) -> WebhookRequest:
        """*body* from who may send it, as far as that is proven by headers."""

    @abstractmethod
    def forged(self) -> Sequence[WebhookRequest]:
        """The content, from senders who prove nothing."""

    @abstractmethod
    def of_another(self) -> Sequence[WebhookRequest]:
        """The content, from senders who may announce something in another mailbox."""

    def genuine(self) -> WebhookRequest:
        return self.sent(encoded(self.content()))

    def bodies_with(self, junk: str) -> Sequence[bytes]:
        """The content, each time with *junk* (JSON) in another place."""
        return spoiled(self.content(), junk)

    def never_sent(self) -> Sequence[bytes]:
        """Bodies that look like those of the provider, and announce nothing."""
        return ()


def encoded(content: object) -> bytes:
    return json.dumps(content).encode()


_PLACE = "the place of the junk"


def spoiled(content: object, junk: str) -> Sequence[bytes]:
    return [
        encoded(each).replace(encoded(_PLACE), junk.encode()) for each in _with_a_place(content)
    ]


def _with_a_place(part: object) -> list[object]:
    """*part* with a place for junk: instead of all of it, or of one thing in it."""
    found: list[object] = [_PLACE]
    if isinstance(part, Mapping):
        for name, value in part.items():
            found += [{**part, name: each} for each in _with_a_place(value)]
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for n, value in enumerate(part):
            found += [[*part[:n], each, *part[n + 1 :]] for each in _with_a_place(value)]
    return found
