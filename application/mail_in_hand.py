"""How much mail a process has in hand: from the first bytes of a fetch until all is done with it.

Whoever was first to have some gets all it wants; the others wait where that would be over the
budget. So nobody waits for one that waits, and there is one message more than the budget at most.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta

from postroom.domain.failure import Contended

PATIENCE = timedelta(seconds=30)
"""How long a fetch waits for room. A provider that is made to wait for longer hangs up."""

_message: ContextVar[object] = ContextVar("postroom_message_in_hand", default=None)


class MailInHand:
    """*budget* is how many bytes of messages; what is made of them takes about twice as many."""

    def __init__(self, budget: int, *, patience: timedelta = PATIENCE) -> None:
        self._budget = budget
        self._patience = patience.total_seconds()
        self._held: dict[object, int] = {}  # by message, the first first
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A message is in hand within the block, in this task."""
        message = object()
        token = _message.set(message)
        try:
            yield
        finally:
            _message.reset(token)
            if self._held.pop(message, None) is not None:
                async with self._changed:
                    self._changed.notify_all()

    def has_room_for(self, size: int) -> bool:
        """Whether the message of this task may have *size* more bytes; what is no message may."""
        message = _message.get()
        if message is None:
            return True
        self._held.setdefault(message, 0)
        return self._is_first(message) or sum(self._held.values()) + size <= self._budget

    def _is_first(self, message: object) -> bool:
        return next(iter(self._held)) is message

    async def take(self, size: int) -> None:
        """Have *size* more bytes of this task's message in hand. Raises Contended."""
        if not self.has_room_for(size):
            await self._wait_for(size)
        if message := _message.get():
            self._held[message] += size

    async def _wait_for(self, size: int) -> None:
        try:
            async with asyncio.timeout(self._patience), self._changed:
                await self._changed.wait_for(lambda: self.has_room_for(size))
        except TimeoutError:
            raise Contended("too much mail is in hand") from None
