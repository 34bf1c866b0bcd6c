"""Handovers, to be looked up, and moved by a person."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover, State
from postroom.domain.pointer import PointerJob

SHORTEST_HEAD = 12
"""Characters of a key that may stand for all of it, where a person types them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverFilter:
    """All that is given must match. *since* and *until* are moments of acceptance.

    *of_messages* leaves out those of events.
    """

    tenant: str = ""
    application: str = ""
    mailbox: str = ""
    identity: str = ""
    states: frozenset[State] = frozenset()
    unsure: bool = False
    of_messages: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandoverRecord:
    """A handover with what belongs to it."""

    handover: Handover
    job: PointerJob | None
    raw: str
    raw_size: int
    body_size: int
    last_answer: Mapping[str, object]


class HandoverRecords(Protocol):
    """Handovers, to be looked up, and moved by a person."""

    @abstractmethod
    async def find(
        self, chosen: HandoverFilter, *, limit: int = 100, after: str = ""
    ) -> Sequence[HandoverRecord]:
        """The newest that match, newest first, older than the one with the key *after*.

        There are more than *limit* if several applications have the message of the last.
        """

    @abstractmethod
    async def get(
        self, key: str, *, tenant: str = "", application: str = ""
    ) -> HandoverRecord | None:
        """The handover of that key (of the application, where several have the message).

        The first SHORTEST_HEAD characters of a key, or more, will do if they are of one key alone.
        """

    @abstractmethod
    async def dead(
        self, chosen: DeadLetterFilter, *, before: datetime | None, limit: int
    ) -> Sequence[HandoverRecord]:
        """Those of the tenant and the mailbox that died before that moment, newest first.

        Those that are held have died when they were. There are more than *limit* if several died
        at the moment of the last. Of *chosen* the reason, the provider and the times are not looked
        at.
        """

    @abstractmethod
    async def body(self, record: HandoverRecord) -> bytes | None:
        """What it is called with; None if it was deleted. Raises StoreUnavailable."""

    @abstractmethod
    async def move(self, record: HandoverRecord, to: State, reason: str) -> bool:
        """Make it `waiting` (as new, its calls forgotten), `done` or `skipped`.

        The outcome is recorded if it has ended by that. False, and nothing is changed, if it has
        been changed since *record* was read.
        """

    @abstractmethod
    async def discard(self, application: Application) -> int:
        """Delete what has not ended of *application*; return how many there were.

        They are recorded as skipped.
        """

    @abstractmethod
    async def expired(self, *, limit: int, default: timedelta) -> int:
        """Delete up to *limit* that were handled longer ago than the application's retention.

        Dead letters stay, as those of pointers do: they wait for a person. *default* is for
        applications that were removed. Returns how many.
        """
