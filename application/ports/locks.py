"""Locks over all processes of an installation."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Locks(Protocol):
    """Named locks that end with the process that holds them, some seconds later."""

    @abstractmethod
    def held(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Enter with True if nobody holds the lock; it is ours then until the block ends.

        Enter with False at once if somebody does. A store that cannot be reached in the meantime
        may lose the lock: it keeps others from trying, and guards nothing that must be correct.
        """
