"""Events that were written with what they state, until each subscriber has a handover of them."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

Subscriber = tuple[str, str]
"""Owner and name."""


@dataclass(frozen=True, slots=True)
class Distributed:
    """*events* were taken out; *dropped* are the oldest of those that waited, by subscriber."""

    events: int
    dropped: Mapping[Subscriber, int]


class Outbox(Protocol):
    """What `Outcomes`, `MailboxRegistry`, `FolderSyncs` and `Handovers` write events into.

    They write one in the transaction of what it states, and only if anybody subscribes to it then.
    """

    @abstractmethod
    async def distribute(self, limit: int) -> Distributed:
        """Make a handover of each event, the oldest first, for every subscriber that wants it.

        In one transaction, so that an event is either here or with all of them; two that distribute
        at once take different ones. Of what waits for a subscriber beyond its `max_backlog` the
        oldest is deleted: nobody waits for one that is away, and no disk is filled.
        """

    @abstractmethod
    async def expire(self, *, default: timedelta) -> int:
        """Delete the handovers of events that are older than their subscriber's retention.

        Dead ones among them, but none that is being called with. *default* is for subscribers that
        were removed. Returns how many.
        """
