"""How late the event loop is: whether it is the processor that all wait for."""

import asyncio
from dataclasses import dataclass, field

EVERY = 0.05
"""Seconds between two measurements, as long as somebody wants to know."""

LATE = 0.03
"""Seconds. A loop that has little to do is late by one or two thousandths."""

_WEIGHT = 0.2
"""Of the last measurement: about a quarter of a second is remembered."""


@dataclass(slots=True)
class LoopLag:
    seconds: float = 0.0
    _is_measured: bool = field(default=False, init=False)

    @property
    def is_high(self) -> bool:
        return self.seconds > LATE

    def measure(self) -> None:
        """See how late the loop is in a moment."""
        if self._is_measured:
            return
        self._is_measured = True
        loop = asyncio.get_running_loop()
        loop.call_later(EVERY, self._note, loop, loop.time() + EVERY)

    def _note(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._is_measured = False
        self.seconds += _WEIGHT * (loop.time() - due - self.seconds)
