"""How the loss of a queue is noticed: it must hold what it was given last."""

from abc import abstractmethod
from typing import Protocol


class QueueHeartbeat(Protocol):
    """A number that lies in the queue, is as durable as its jobs, and is lost with them."""

    @abstractmethod
    async def beat(self, number: int) -> int | None:
        """Store *number*, which is higher than any before; return what was held before.

        Of a queue in several parts that is the lowest that one of them held, and None if one held
        none. One that is lower than what was stored last (without an error) says that the queue, or
        a part of it, has come back as it was at an earlier time, and None that it is empty. Where a
        higher number is held already (that of a process which was faster), it stays.

        After Unavailable some parts may hold *number*, and others not.
        """
