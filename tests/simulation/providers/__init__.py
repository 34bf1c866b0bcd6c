"""The providers as a run sees them, whether their adapters are in memory or the real ones.

A world has one of the two: `memory.py` is quick, `wire.py` is true.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from typing import Protocol

from postroom.application.mail_in_hand import MailInHand
from postroom.application.ports import Clock, MailboxRegistry, Provider
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.simulation.arrivals import Arrived, Notice
from tests.simulation.asgi import Answer
from tests.simulation.plan import Mail
from tests.simulation.process import Process
from tests.simulation.reading import Readers
from tests.simulation.weather import Weather

Reach = Callable[[str, Notice], Awaitable[Answer | None]]
"""Ask our API something, by a method of HTTP; None if there is no answer."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process makes its providers of; *resources* closes them when it stops."""

    process: Process
    weather: Weather
    random: Random
    registry: MailboxRegistry
    resources: AsyncExitStack
    clock: Clock
    in_hand: MailInHand


class Outside(Protocol):
    """What happens at the providers, and what they say to us."""

    readers: Readers

    @abstractmethod
    async def open(self, resources: AsyncExitStack, reach: Reach) -> None:
        """Begin to serve."""

    @abstractmethod
    def mailbox(self, lane: str) -> Mailbox:
        """As it is added to Postroom."""

    @abstractmethod
    def providers(self, surroundings: Surroundings) -> Sequence[Provider]:
        """All of them, for one process."""

    @abstractmethod
    def deliver(self, mail: Mail, mailbox: Mailbox) -> Pointer:
        """Put the message into its mailbox; gives the pointer by which it is listed."""

    @abstractmethod
    def notices(self, arrived: Arrived) -> Sequence[Notice]:
        """What is posted of it as things stand: one for each who has subscribed."""

    @abstractmethod
    def delete(self, arrived: Arrived) -> None:
        """Take it out of its mailbox."""

    @abstractmethod
    def forget_positions(self, mailbox: Mailbox) -> dict[Pointer, Pointer]:
        """Let every position that was given out expire; which pointers have become which."""

    @abstractmethod
    async def drop_subscriptions(self, mailbox: Mailbox) -> None:
        """End what notices are sent under, and say nothing."""

    @abstractmethod
    def lag(self, mailbox: Mailbox, back: int) -> None:
        """List nothing that comes in from now on, nor the last *back* messages."""

    @abstractmethod
    def catch_up(self, mailbox: Mailbox) -> None:
        """List all again."""

    @abstractmethod
    def passed(self, mailbox: Mailbox, position: str, arrived: Sequence[Arrived]) -> list[Arrived]:
        """Those of *arrived*, all of *mailbox*, that no list from *position* on holds."""
