"""Whose fault it is that a Python processor fails: by the evidence of `domain/handover/health.py`.

Each process has its own: a processor is a part of the process.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from postroom.domain.handover.answer import Done, Failed
from postroom.domain.handover.health import Health

MOST_REMEMBERED = 10_000
"""Messages that have failed; what is forgotten is judged as if it had not."""


@dataclass(slots=True)
class ProcessorHealth:
    """*draw*, from [0, 1), spreads the pauses."""

    draw: Callable[[], float]
    health: Health = field(default_factory=partial(Health, window=1))
    _failed: dict[str, datetime] = field(default_factory=dict)

    def pause(self, now: datetime) -> timedelta:
        """How long it is left alone."""
        until = self.health.paused_until
        is_paused = self.health.room(0, now) == 0
        return until - now if is_paused and until else timedelta()

    def taken(self, key: str, began: datetime, now: datetime) -> None:
        self._failed.pop(key, None)
        self._after(Done(), key, began, now)

    def failed(self, key: str, reason: str, began: datetime, now: datetime) -> bool:
        """Whether the message of *key* is at fault.

        It is if it had failed before, and another was taken that began after that.
        """
        before = self._failed.get(key)
        is_at_fault = before is not None and self.health.proves_at_fault(before)
        self._after(Failed(reason=reason, sure=True), key, began, now)
        if len(self._failed) >= MOST_REMEMBERED:
            self._failed.clear()
        self._failed[key] = began
        return is_at_fault

    def _after(self, answer: Done | Failed, key: str, began: datetime, now: datetime) -> None:
        self.health = self.health.after(
            answer, key=key, began=began, now=now, draw=self.draw(), limit=1
        )
