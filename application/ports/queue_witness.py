"""What is remembered of the queue outside of it, so that its loss is noticed, and made good."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from postroom.application.ports.queue_heartbeat import QueueContents
from postroom.domain.queue_loss import QueueLoss


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """*number* is the last that was taken for a beat, and *floor* the least that the queue holds.

    *floor* is 0 before the first beat and after a loss: the queue need hold nothing then.
    *surveyed_ago* is None if it was never surveyed. *loss* is there until all is listed again that
    was lost: *is_requested* says that every folder has been told to, and *relisting* how many of
    them have not listed it yet (those of mailboxes that a person paused do not count).
    """

    number: int = 0
    floor: int = 0
    surveyed_ago: timedelta | None = None
    loss: QueueLoss | None = None
    is_requested: bool = True
    relisting: int = 0


class QueueWitness(Protocol):
    """One record for all of an installation, by the store's own clock."""

    @abstractmethod
    async def load(self) -> Witnessed:
        """What is remembered now."""

    @abstractmethod
    async def next_beat(self) -> Witnessed:
        """Take the next number, which is higher than any that was taken or confirmed before."""

    @abstractmethod
    async def confirm(self, number: int, *, floor: int) -> None:
        """The queue, in all its parts, holds *number* at least, as a beat found that had *floor*.

        A loss that was recorded since that beat began has the queue hold nothing all the same.
        """

    @abstractmethod
    async def record_survey(self, contents: QueueContents, dead_ids: Sequence[str]) -> None:
        """Remember what the queue holds now, and the jobs of its newest dead letters."""

    @abstractmethod
    async def record_loss(self, floor: int, *, is_tail: bool = False) -> QueueLoss | None:
        """The queue does not hold *floor*; from now on it need hold nothing, until it is confirmed.

        With *is_tail* it does, but not all, perhaps, that it was given after that.

        An earlier loss whose folders have not been told yet is made one with this one. Returns None
        if another number has been confirmed since, or somebody else has recorded the loss.
        """

    @abstractmethod
    async def record_requested(self, loss: QueueLoss) -> None:
        """Every folder has been told to list again what *loss* has cost, durably."""

    @abstractmethod
    async def forget_loss(self, loss: QueueLoss) -> bool:
        """All has been listed; False if another loss has been recorded since."""
