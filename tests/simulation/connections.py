"""Connections without sockets: two ends, and what is written to one comes out of the other, later.

What ails a host is met by what goes over a connection then: bytes wait while it hangs, come one a
second while it drips, and are cut off where it is torn. What is held back comes in its order, as
TCP has it.
"""

import asyncio
import errno
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.simulation.plan import Fault, Kind


class Host(Protocol):
    """What ails a server."""

    @abstractmethod
    def faults(self) -> Sequence[Fault]:
        """At the moment."""

    @abstractmethod
    def meet(self, fault: Fault) -> None:
        """Somebody has called in vain."""


Address = tuple[str, int]
Factory = Callable[[], asyncio.BaseProtocol]

LATENCY = 0.02
"""Seconds that a packet takes."""

LIES = {
    "html": b"<html><body>502 Bad Gateway</body></html>\r\n",
    "json": b'{"error": "none"}\r\n',
    "nothing": b"\r\n",
}
"""What a server says in place of what it was asked for, by the form of the lie."""

END = b""
"""Stands for a connection that was closed after all that was written."""


@dataclass(frozen=True)
class Socket:
    address: Address

    def getsockname(self) -> Address:
        return self.address

    def setsockopt(self, *_: object) -> None:
        """Options of the kernel, which there is none of."""


@dataclass(frozen=True)
class Line:
    """Between two ends, of which the server's is at *host*."""

    host: Host

    def fault(self, *kinds: Kind) -> Fault | None:
        """The first of these that the host suffers from."""
        return next((fault for fault in self.host.faults() if fault.kind in kinds), None)


@dataclass(eq=False)
class End(asyncio.Transport):
    """One end of a connection; *context* is that of whoever's it is."""

    line: Line
    context: Context
    peer: "End" = field(init=False, repr=False)
    protocol: Any = field(init=False, repr=False)
    owner: Any = None
    closing: bool = False
    lost: bool = False
    _inbox: deque[bytes] = field(default_factory=deque, repr=False)
    _pending: asyncio.TimerHandle | None = None
    _paused: bool = False

    def __post_init__(self) -> None:
        super().__init__({"socket": Socket(("", 0))})
        self._loop = asyncio.get_running_loop()

    def begin(self, factory: Factory) -> None:
        self.protocol = self.context.run(factory)
        self.context.run(self.protocol.connection_made, self)

    # --- What the owner does ---

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not (self.closing or self.lost) and data:
            self.peer.expect(bytes(data))

    def close(self) -> None:
        if not (self.closing or self.lost):
            self.closing = True
            self.peer.expect(END)
            self._loop.call_soon(self.lose, None, context=self.context)

    def abort(self) -> None:
        """Both ends are gone; what was under way is lost."""
        self.closing = True
        reset = ConnectionResetError(errno.ECONNRESET, "reset")
        self._loop.call_soon(self.lose, None, context=self.context)
        self._loop.call_later(LATENCY, self.peer.lose, reset, context=self.peer.context)

    def is_closing(self) -> bool:
        return self.closing or self.lost

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._schedule(0.0)

    def is_reading(self) -> bool:
        return not self._paused

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol  # type: ignore[no-any-return] # either kind

    def get_write_buffer_size(self) -> int:
        return 0

    # --- What comes in ---

    def expect(self, data: bytes) -> None:
        self._inbox.append(data)
        slow = self.line.fault(Kind.SLOW)
        self._schedule(LATENCY + (slow.degree / 2 if slow else 0.0))

    def _schedule(self, delay: float) -> None:
        if self._inbox and not (self._pending or self._paused or self.lost):
            self._pending = self._loop.call_later(delay, self._deliver, context=self.context)

    def _deliver(self) -> None:
        self._pending = None
        if self.lost or self._paused or not self._inbox:
            return
        if held := self.line.fault(Kind.HANGS, Kind.HANGS_FOR_EVER):
            self._schedule(held.ends - self._loop.time())
        elif self.line.fault(Kind.REFUSES):
            self.abort()
        elif self.owner and self.line.fault(Kind.DRIPS) and len(self._inbox[0]) > 1:
            first, self._inbox[0] = self._inbox[0][:1], self._inbox[0][1:]
            self._receive(first)
            self._schedule(1.0)
        else:
            self._receive(self._inbox.popleft())
            self._schedule(0.0)

    def _receive(self, data: bytes) -> None:
        if data == END:
            if not self.protocol.eof_received():
                self.closing = True
                self.lose(None)
            return
        lie = self.line.fault(Kind.LIES) if self.owner else None
        if lie and lie.form == "torn":
            self.protocol.data_received(data[: len(data) // 2])
            self.abort()
            return
        self.protocol.data_received(LIES.get(lie.form, data) if lie else data)

    def lose(self, error: Exception | None) -> None:
        if self.lost:
            return
        self.lost = True
        if self.owner:
            self.owner.connections.pop(self, None)
        self.protocol.connection_lost(error)
