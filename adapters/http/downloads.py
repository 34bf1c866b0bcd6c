"""How fast whatever peers send must come, and how much mail there may be of it at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.application.mail_in_hand import MailInHand
from postroom.domain.failure import Unavailable

MEBIBYTE = 2**20


class TooSlow(Unavailable):
    """The peer sends so little at a time that waiting for the end is no use.

    It is *answered* by nobody: no message is at fault that its server does not send it.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLimits:
    """At least *rate* bytes a second on the average of each *within*, but for the last bytes."""

    rate: int = 1024
    within: timedelta = timedelta(seconds=15)
    in_hand: MailInHand = field(default_factory=lambda: MailInHand(256 * MEBIBYTE))

    @asynccontextmanager
    async def watch(
        self, peer: str, *others: asyncio.Timeout
    ) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
        """The block reads from *peer*, and awaits what it is given for each so many bytes.

        While that waits for room in hand, neither this time runs nor that of *others*. Raises
        TooSlow.
        """
        async with self.at_min_rate(peer) as (arrived, timer):

            async def arrived_in_hand(size: int) -> None:
                arrived(size)
                if not self.in_hand.has_room_for(size):
                    with _stopped(timer, *others):
                        await self.in_hand.take(size)
                else:
                    await self.in_hand.take(size)

            yield arrived_in_hand

    @asynccontextmanager
    async def at_min_rate(
        self, peer: str
    ) -> AsyncIterator[tuple[Callable[[int], None], asyncio.Timeout]]:
        """The block says how many bytes have come from *peer*. Raises TooSlow."""
        loop, within = asyncio.get_running_loop(), self.within.total_seconds()
        due = enough = self.rate * within

        def arrived(size: int) -> None:
            nonlocal due
            due -= size
            if self.rate and due <= 0:
                due = enough
                timer.reschedule(loop.time() + within)

        try:
            async with asyncio.timeout(within if self.rate else None) as timer:
                yield arrived, timer
        except TimeoutError:
            if not timer.expired():
                raise
            slow = f"{peer} sent less than {self.rate} bytes a second"
            raise TooSlow(slow, answered=False) from None


@contextmanager
def _stopped(*timeouts: asyncio.Timeout) -> Iterator[None]:
    now = asyncio.get_running_loop().time
    began, ends = now(), [timeout.when() for timeout in timeouts]
    for timeout in timeouts:
        timeout.reschedule(None)
    yield
    for timeout, end in zip(timeouts, ends, strict=True):
        timeout.reschedule(None if end is None else end + now() - began)
