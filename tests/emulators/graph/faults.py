"""What is to go wrong, and how often: written by a test, met by requests."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from tests.emulators.graph.wire import GraphError

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Refuse:
    """Answer with an error."""

    status: int
    code: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Stall:
    """Send a part of the content (of a login: nothing), and no more until `Faults.release`."""


@dataclass(frozen=True)
class Cut:
    """Send a part of the content, and drop the connection."""


Fault = Refuse | Stall | Cut


class Faults:
    """A fault is aimed at a name: a user's or a message's, or `graph`, `subscriptions`, `login`."""

    def __init__(self) -> None:
        self.bytes_sent = 0
        self._planned: list[tuple[str, Fault]] = []
        self._released = asyncio.Event()
        self._stalled = asyncio.Event()

    def plan(self, target: str, fault: Fault, times: int) -> None:
        self._planned.extend([(target, fault)] * times)

    def release(self) -> None:
        """Let go what stalls, now and from now on."""
        self._released.set()

    async def stall(self) -> None:
        self._stalled.set()
        await self._released.wait()

    async def stalled(self) -> None:
        """Wait until something stalls."""
        await self._stalled.wait()

    def meet(self, names: Collection[str]) -> Stall | Cut | None:
        """The first fault that is aimed at any of *names*, used up; raises a refusal."""
        for planned in self._planned:
            target, fault = planned
            if target in names:
                self._planned.remove(planned)
                if isinstance(fault, Refuse):
                    raise GraphError(fault.status, fault.code, "As the test asked.", fault.headers)
                return fault
        return None

    async def send(self, content: bytes, fault: Stall | Cut | None) -> AsyncIterator[bytes]:
        """*content* in chunks, with whatever befalls it after the first."""
        for start in range(0, len(content), CHUNK):
            chunk = content[start : start + CHUNK]
            self.bytes_sent += len(chunk)
            yield chunk
            match fault:
                case Stall():
                    await self.stall()
                case Cut():
                    raise ConnectionResetError
                case None:
                    await asyncio.sleep(0)
