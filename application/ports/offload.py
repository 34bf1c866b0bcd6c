"""Where a stranger's bytes are worked on: so that hostile ones hold up nobody, nor kill anybody."""

from abc import abstractmethod
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")


class Kind(StrEnum):
    """What is worked on. None waits for another."""

    MAIL = "mail"
    HTML = "html"


class Offload(Protocol):
    """Does work that takes nothing but time and memory: it reads what it is given."""

    @abstractmethod
    async def __call__(
        self, kind: Kind, work: Callable[[ArgumentT], ResultT], argument: ArgumentT, *, size: int
    ) -> ResultT:
        """`work(argument)`; *size* is how many bytes it is about.

        All three may be pickled. Raises what *work* raises, Unprocessable if it takes too much for
        its size, and Contended or StoreUnavailable if our machine is at fault.
        """
