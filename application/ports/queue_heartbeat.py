"""How the loss of a queue is noticed: it must hold what it was given last."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from postroom.domain.queue_loss import Lane


@dataclass(frozen=True, slots=True)
class Beaten:
    """What the queue held before a beat.

    *number* is, of a queue in several parts, the lowest that one of them held; None if one held
    none. *is_taken_over* says that another server holds it (or a part of it) than at the last beat,
    which may lack what that one had acknowledged since.
    """

    number: int | None
    is_taken_over: bool = False

    def has_lost(self, floor: int) -> bool:
        """Whether a queue that held *floor* has lost something, or may have."""
        return floor > 0 and (self.is_taken_over or (self.number or 0) < floor)


class QueueHeartbeat(Protocol):
    """A number that lies in the queue, is as durable as its jobs, and is lost with them."""

    @abstractmethod
    async def beat(self, number: int, *, floor: int = 0) -> Beaten:
        """Store *number*, which is higher than any before; return what was held before.

        One that is lower than what was stored last (without an error) says that the queue, or a
        part of it, has come back as it was at an earlier time, and None that it is empty. Where a
        higher number is held already (that of a process which was faster), it stays. Nothing is
        stored where *floor* has been lost: the next beat is to see that as well.

        After Unavailable some parts may hold *number*, and others not.
        """


@dataclass(frozen=True, slots=True)
class QueueContents:
    """*ages* says for how long the oldest job of each lane has been queued, in whatever state.

    That is since it first came into the queue; a job that was redriven may count as newer. One that
    cannot be read counts as LONGEST_DELAY old. *dead* is the number of dead letters.
    """

    ages: Mapping[Lane, timedelta]
    dead: int


class QueueSurvey(Protocol):
    """What the queue holds, as far as its loss would cost it."""

    @abstractmethod
    async def contents(self) -> QueueContents:
        """It is read in parts, while jobs come and go: one that moves meanwhile may be missed."""
