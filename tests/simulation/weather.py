"""Which faults hold at a moment, by what they are aimed at."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.simulation.plan import Fault, Kind


class Weather:
    """Goes by the time of whichever loop asks: a thread's own may be ahead (threads.py).

    *met* is when calls were refused, left without an answer, or throttled.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.met: defaultdict[Fault, list[float]] = defaultdict(list)
        self._lasting: defaultdict[str, list[Fault]] = defaultdict(list)
        for fault in faults:
            if fault.lasts:
                self._lasting[fault.target].append(fault)

    def of(self, *targets: str) -> list[Fault]:
        """Those that any of *targets* suffers from now."""
        if not self._lasting:
            return []
        return list(self._holding(targets, asyncio.get_running_loop().time()))

    def meet(self, fault: Fault) -> None:
        """Somebody has called who should not have, or could not know better."""
        self.met[fault].append(asyncio.get_running_loop().time())

    def has(self, kind: Kind, target: str) -> bool:
        return any(fault.kind is kind for fault in self.of(target))

    def _holding(self, targets: Iterable[str], now: float) -> Iterator[Fault]:
        for target in dict.fromkeys(targets):
            for fault in self._lasting.get(target, ()):
                if fault.begins <= now < fault.ends:
                    yield fault
