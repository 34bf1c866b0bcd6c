"""The circuit breakers of the sources behind mailboxes, which all processes share."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from postroom.domain.circuit import Circuit

LONGEST_SOURCE = 255
"""Characters of a source that count: as many as a host's name can have."""

MOST_CIRCUITS = 10_000
"""That are stored. Beyond that one of them is forgotten for each that is new."""


class CircuitStore(Protocol):
    """A circuit for each source that has failed lately; it may be forgotten at any time.

    A source that is forgotten is one that works, until it fails again.
    """

    @abstractmethod
    async def load(self, source: str) -> tuple[Circuit, datetime]:
        """The circuit of *source*, empty if there is none; and the store's own time."""

    @abstractmethod
    async def save(self, source: str, before: Circuit, after: Circuit) -> bool:
        """Put *after* in the place of *before*; an empty one is forgotten.

        False if another stands there, which somebody else has saved meanwhile. Whoever must know
        that nobody else has saved the same puts a moment of its own into *after*.
        """

    @abstractmethod
    async def all(self) -> Mapping[str, Circuit]:
        """Every circuit that is not empty, by source."""
