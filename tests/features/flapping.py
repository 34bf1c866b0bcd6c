"""A provider that is up for one call in ten, whatever the call is for."""

from dataclasses import dataclass, field
from random import Random

from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.application.ports import FetchedMessage
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


@dataclass
class Gate:
    """Every call comes through, or one in *one_in*; the others meet *failure*.

    Which of them do is drawn: a provider does not count with us, by whom a call is followed.
    """

    one_in: int = 1
    failure: Failure = field(default_factory=lambda: Unavailable("away"))
    _random: Random = field(default_factory=lambda: Random(10), repr=False)

    def __call__(self) -> None:
        if self._random.randrange(self.one_in):
            raise self.failure


@dataclass
class GatedMessages(InMemoryMessages):
    gate: Gate = field(default_factory=Gate)

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        self.gate()
        return await super().fetch(mailbox, pointer)
