"""How much mail a process has in hand: from the first bytes of a fetch until all is done with it.

A tenant may have as much of the budget as is left of it, so that there is room for others whatever
the servers of one do with theirs: a server may say that a message is large, and never send it. The
first of all messages gets all that it wants. So nobody waits for one that waits, and there is one
message more than the budget at most.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from postroom.domain.failure import Contended

PATIENCE = timedelta(seconds=30)
"""How long a fetch waits for room. A provider that is made to wait for longer hangs up."""


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    tenant: str


_message: ContextVar[_Message | None] = ContextVar("postroom_message_in_hand", default=None)


class MailInHand:
    """*budget* is how many bytes of messages; what is made of them takes about twice as many."""

    def __init__(self, budget: int, *, patience: timedelta = PATIENCE) -> None:
        self._budget = budget
        self._patience = patience.total_seconds()
        self._held: dict[_Message, int] = {}  # the first first
        self._released = asyncio.Event()  # set once: the next release is another

    @asynccontextmanager
    async def one(self, tenant: str) -> AsyncIterator[None]:
        """A message of *tenant* is in hand within the block, in this task."""
        message = _Message(tenant)
        token = _message.set(message)
        try:
            yield
        finally:
            _message.reset(token)
            self._held.pop(message, None)
            self._released.set()
            self._released = asyncio.Event()

    def has_room_for(self, size: int) -> bool:
        """Whether the message of this task may have *size* more bytes; what is no message may."""
        message = _message.get()
        if message is None:
            return True
        self._held.setdefault(message, 0)
        return self._is_first(message) or self._of(message.tenant) + size <= self._left() - size

    def _is_first(self, message: _Message) -> bool:
        return next(iter(self._held)) is message

    def _of(self, tenant: str) -> int:
        return sum(size for message, size in self._held.items() if message.tenant == tenant)

    def _left(self) -> int:
        return self._budget - sum(self._held.values())

    async def take(self, size: int) -> None:
        """Have *size* more bytes of this task's message in hand. Raises Contended."""
        if not self.has_room_for(size):
            await self._wait_for(size)
        if message := _message.get():
            self._held[message] += size

    async def _wait_for(self, size: int) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while not self.has_room_for(size):
                    await self._released.wait()
        except TimeoutError:
            raise Contended("too much mail is in hand") from None
