"""All connections, by what they wait for: which one is too late, and which one has to make room.

One rule, wherever something is short (connections, file descriptors, bytes): whoever has used up
most of the time that its phase allows goes first. An attacker keeps us waiting; whoever sends a
request does not.
"""

import asyncio
from collections.abc import Collection
from enum import Enum, auto
from itertools import islice
from operator import itemgetter
from typing import Protocol

from postroom.entrypoints.api.serving.limits import Limits
from postroom.entrypoints.api.serving.refusals import Refusal, Refusals

LINGER = 2.0
"""Seconds that a client has to read why it was refused, and to hang up."""


class Phase(Enum):
    """What a connection waits for."""

    HEADERS = auto()  # or for their end
    BODY = auto()
    RESPONSE = auto()  # which is up to us, however long it takes
    IDLE = auto()  # the next request
    CLOSING = auto()  # its end: what comes is thrown away


RECEIVING = (Phase.HEADERS, Phase.BODY)
WAITING = (*RECEIVING, Phase.IDLE, Phase.CLOSING)


class Bounded(Protocol):
    """A connection, to us who watch it. *phase* and *held* are ours to set."""

    phase: Phase
    held: int

    def expire(self) -> None:
        """The time of the phase is over: go on to another one, or leave."""

    def refuse(self, refusal: Refusal) -> None:
        """Say why, and go on to CLOSING."""

    def evict(self) -> None:
        """Leave, and free the file descriptor, now."""


class Connections:
    """*refusals* counts what is refused for lack of room."""

    def __init__(self, limits: Limits, refusals: Refusals) -> None:
        self.refusals = refusals
        self._limits = limits
        self._seconds = {
            Phase.HEADERS: limits.header_seconds,
            Phase.BODY: limits.body_seconds,
            Phase.IDLE: limits.idle_seconds,
            Phase.CLOSING: LINGER,
        }
        # The oldest of each phase come first, since all of them have the same time.
        self._since: dict[Phase, dict[Bounded, float]] = {phase: {} for phase in Phase}
        self._now = asyncio.get_running_loop().time
        self._held = 0
        self.opening = 0

    def __len__(self) -> int:
        return self.opening + sum(map(len, self._since.values()))

    def enter(self, connection: Bounded, phase: Phase) -> None:
        """*connection* waits for something else from now on, or comes to us."""
        self._since[connection.phase].pop(connection, None)
        self._since[phase][connection] = self._now()
        connection.phase = phase

    def leave(self, connection: Bounded) -> None:
        self._since[connection.phase].pop(connection, None)
        connection.phase = Phase.CLOSING
        self.release(connection)

    def hold(self, connection: Bounded, size: int) -> bool:
        """Whether *connection* may hold *size* bytes more, where needed at the cost of others."""
        while self._held + size > self._limits.pending_bytes:
            slowest = self._slowest(RECEIVING)
            if slowest is None or slowest is connection:
                return False
            slowest.refuse(Refusal.NO_ROOM)
        self._held += size
        connection.held += size
        return True

    def release(self, connection: Bounded) -> None:
        """It holds nothing any more."""
        self._held -= connection.held
        connection.held = 0

    def admits_another(self) -> bool:
        """Whether one more may come, where needed at the cost of another."""
        return len(self) < self._limits.connections or self.make_room()

    def make_room(self) -> bool:
        """Have the slowest leave. Whether there was one: whoever is being served stays."""
        slowest = self._slowest(WAITING)
        if slowest is not None:
            slowest.evict()
        return slowest is not None

    def _slowest(self, phases: Collection[Phase]) -> Bounded | None:
        now = self._now()
        oldest = [
            ((now - since) / self._seconds[phase], connection)
            for phase in phases
            for connection, since in islice(self._since[phase].items(), 1)
        ]
        return max(oldest, key=itemgetter(0))[1] if oldest else None

    async def watch(self) -> None:
        """End what is too late, for ever."""
        finest = min(self._limits.header_seconds, self._limits.body_seconds)
        while True:
            await asyncio.sleep(min(1.0, finest / 10))
            self.expire()
            self.refusals.log(self._now())

    def expire(self) -> None:
        """End what is too late now."""
        now = self._now()
        for phase in WAITING:
            for connection, since in list(self._since[phase].items()):
                if since + self._seconds[phase] > now:
                    break
                connection.expire()
