"""What is to go wrong, and how often: written by a test, met by requests."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from postroom.entrypoints.emulators.graph.wire import GraphError

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


@dataclass
class _Planned:
    """Befalls each *every*-th request for *target*, *times* in all; *met* counts them."""

    target: str
    fault: Fault
    times: int
    every: int
    met: int = 0

    def strikes(self) -> bool:
        self.met += 1
        return self.met % self.every == 0


class Faults:
    """A fault is aimed at a name: a user's, a message's, a folder's or a subscription's id.

    Or at `graph`, which is all of it, `folders`, `messages`, `delta`, `subscriptions` or `login`.
    """

    def __init__(self) -> None:
        self.bytes_sent = 0
        self._planned: list[_Planned] = []
        self._released = asyncio.Event()
        self._stalled = asyncio.Event()

    def plan(self, target: str, fault: Fault, times: int, every: int = 1) -> None:
        self._planned.append(_Planned(target, fault, times, every))

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self._planned.clear()

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
            if planned.target in names and planned.strikes():
                planned.times -= 1
                if not planned.times:
                    self._planned.remove(planned)
                return _befall(planned.fault)
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


def _befall(fault: Fault) -> Stall | Cut:
    if isinstance(fault, Refuse):
        raise GraphError(fault.status, fault.code, "As the test asked.", fault.headers)
    return fault
