"""The host that we run on: its time, and whether all that we need is there."""

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import Protocol


class HealthCheck(Protocol):
    """Whether one thing that Postroom needs is there, and as it must be."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What is checked: `redis`, `postgres`, `migrations`."""

    @abstractmethod
    async def __call__(self) -> None:
        """Returns if all is well. Raises Unavailable, with a reason that says what to do."""


class Clock(Protocol):
    """Tells the time, so that nothing else has to."""

    @abstractmethod
    def now(self) -> datetime:
        """The current time, in UTC."""

    @abstractmethod
    async def sleep(self, duration: timedelta) -> None:
        """Return when *duration* has passed, at once if it is none; others go on meanwhile."""
