"""Circuit breakers that are forgotten when the process ends."""

from collections.abc import Mapping
from datetime import datetime

from postroom.application.ports import LONGEST_SOURCE, MOST_CIRCUITS, CircuitStore, Clock
from postroom.domain.circuit import Circuit


class InMemoryCircuitStore(CircuitStore):
    def __init__(self, clock: Clock, *, most: int = MOST_CIRCUITS) -> None:
        self._clock = clock
        self._most = most
        self._circuits: dict[str, Circuit] = {}

    async def load(self, source: str) -> tuple[Circuit, datetime]:
        return self._circuits.get(source[:LONGEST_SOURCE], Circuit()), self._clock.now()

    async def save(self, source: str, before: Circuit, after: Circuit) -> bool:
        name = source[:LONGEST_SOURCE]
        stored = self._circuits.get(name, Circuit())
        if stored != before:
            return stored == after != Circuit()
        self._circuits.pop(name, None)
        if after != Circuit():
            self._make_room()
            self._circuits[name] = after
        return True

    def _make_room(self) -> None:
        if len(self._circuits) >= self._most:
            del self._circuits[next(iter(self._circuits))]

    async def all(self) -> Mapping[str, Circuit]:
        return dict(self._circuits)
