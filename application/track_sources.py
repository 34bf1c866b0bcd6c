"""Track whether sources answer: leave one alone that answers nobody, and probe it one at a time.

The rule is `domain/circuit.py`'s; here it is shared by all processes, through the store. A process
looks a circuit up once in LOOKED_UP_FOR while it is closed, so a source that works costs nothing to
speak of. Where the store cannot be used, every circuit counts as closed.

What hangs for some must not stop those that are served. So a failure counts only if the source has
answered nobody in this process since that call began: ten that hang end at the same moment. And a
mailbox that has not failed yet need not wait for the next probe, which one of those that hang would
most likely get: it may make one itself. Where that fails, too, such probes become rare.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import random
from typing import Protocol, TypeVar

from postroom.application.ports import CircuitStore
from postroom.domain.circuit import CLOSED, FIRST_PROBE, LONGEST_PROBE, Circuit
from postroom.domain.failure import Unavailable

LOOKED_UP_FOR = 1.0
"""Seconds."""

AWAY_FOR = 2 * LONGEST_PROBE.total_seconds()
"""Seconds that a source counts as away which was found so. Whoever waits for it looks again
before; if nobody does, its mailboxes are gone."""

MAX_REMEMBERED = 1000

RAREST_NEWCOMER = timedelta(minutes=1)
"""How long one that has not failed yet waits at the most, whatever has become of others."""

ValueT = TypeVar("ValueT")

_NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Nothing is compared with it: the circuit that it comes with is closed."""


class SourceTracker(Protocol):
    """Learns of every answer and every silence from those who call sources."""

    @abstractmethod
    def mark(self) -> int:
        """To be taken when a call begins."""

    @abstractmethod
    async def wait(self, sources: Sequence[str], *, is_new: bool = False) -> timedelta | None:
        """How long to leave alone one of *sources*, at the least; None: call them.

        Of all who ask while a probe is due, one gets None. *is_new* says that the mailbox has not
        failed yet.
        """

    @abstractmethod
    async def failed(self, source: str, mailbox: str, *, mark: int | None = None) -> int:
        """Note that it did not serve *mailbox*, in a call begun at *mark*.

        Returns of how many mailboxes the circuit knows, if that has opened it; else 0.
        """

    @abstractmethod
    async def answered(self, sources: Sequence[str]) -> Mapping[str, timedelta]:
        """Note that they answered.

        Returns those whose circuit that has closed, and how long they were away.
        """


@dataclass(slots=True)
class _Newcomers:
    """How often mailboxes that have not failed probe a source that is away: ever less often."""

    probe_at: datetime = _NO_TIME
    pause: timedelta = FIRST_PROBE

    def wait(self, now: datetime) -> timedelta:
        return max(self.probe_at - now, timedelta())

    def slow_down(self, now: datetime) -> None:
        self.probe_at = now + self.pause
        self.pause = min(2 * self.pause, RAREST_NEWCOMER)


@dataclass(slots=True)
class TrackSources(SourceTracker):
    store: CircuitStore
    draw: Callable[[], float] = field(default=random, repr=False)
    _closed_at: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _open_at: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _count: int = field(default=0, init=False, repr=False)
    _answers: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _newcomers: dict[str, _Newcomers] = field(default_factory=dict, init=False, repr=False)

    @property
    def away(self) -> int:
        """How many sources are away, as far as this process has found out of late."""
        return sum(_now() - at < AWAY_FOR for at in self._open_at.values())

    def mark(self) -> int:
        return self._count

    async def wait(self, sources: Sequence[str], *, is_new: bool = False) -> timedelta | None:
        waits = [await self._wait(source, is_new=is_new) for source in sources]
        return max((wait for wait in waits if wait is not None), default=None)

    async def _wait(self, source: str, *, is_new: bool) -> timedelta | None:
        if self._was_closed(source):
            return None
        circuit, now = await self._look_up(source)
        wait = circuit.wait(now)
        if wait and is_new:
            wait = min(wait, self._newcomers_at(source).wait(now))
        if wait is None or wait > timedelta():
            return wait
        if is_new:
            self._newcomers_at(source).slow_down(now)
        if await self._save(source, circuit, circuit.probed(now, self.draw())):
            return None
        return FIRST_PROBE

    async def failed(self, source: str, mailbox: str, *, mark: int | None = None) -> int:
        if mark is not None and self._answers.get(source, 0) > mark:
            return 0  # it serves others
        while True:
            before, now = await self._look_up(source)
            after = before.failing(mailbox, now, self.draw())
            if after == before or await self._save(source, before, after):
                break
        if after.is_open:
            self._note(source, after)
        return len(after.failed) if after.is_open and not before.is_open else 0

    async def answered(self, sources: Sequence[str]) -> Mapping[str, timedelta]:
        self._count += 1
        for source in sources:
            self._newcomers.pop(source, None)
            _put(self._answers, source, self._count)
        closed = {source: await self._close(source) for source in sources}
        return {source: away for source, away in closed.items() if away is not None}

    async def _close(self, source: str) -> timedelta | None:
        """How long the source was away; None if it was not, or another has closed the circuit."""
        if self._was_closed(source):
            return None
        before, now = await self._look_up(source)
        if before == CLOSED or not await self._save(source, before, CLOSED):
            return None
        self._note(source, CLOSED)
        return before.away_for(now) if before.is_open else None

    def _was_closed(self, source: str) -> bool:
        """Whether the circuit, without a failure, was looked up just now."""
        closed_at = self._closed_at.get(source)
        return closed_at is not None and _now() - closed_at < LOOKED_UP_FOR

    async def _look_up(self, source: str) -> tuple[Circuit, datetime]:
        try:
            circuit, now = await self.store.load(source)
        except Unavailable:
            return CLOSED, _NO_TIME
        if circuit == CLOSED:
            _put(self._closed_at, source, _now())
        self._note(source, circuit)
        return circuit, now

    async def _save(self, source: str, before: Circuit, after: Circuit) -> bool:
        self._closed_at.pop(source, None)
        try:
            return await self.store.save(source, before, after)
        except Unavailable:
            return True  # nothing is remembered, and nobody waits

    def _note(self, source: str, circuit: Circuit) -> None:
        if circuit.is_open:
            _put(self._open_at, source, _now())
        else:
            self._open_at.pop(source, None)

    def _newcomers_at(self, source: str) -> _Newcomers:
        if source not in self._newcomers:
            _put(self._newcomers, source, _Newcomers())
        return self._newcomers[source]


def _put(memory: dict[str, ValueT], source: str, value: ValueT) -> None:
    if source not in memory and len(memory) >= MAX_REMEMBERED:
        memory.clear()
    memory[source] = value


def _now() -> float:
    return asyncio.get_running_loop().time()
