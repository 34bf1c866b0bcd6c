"""Take events out of the outbox, and give each subscriber a handover of them."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

from postroom.application.ports import Distributed, Outbox
from postroom.domain.handover.application import DEFAULT_RETENTION

BATCH = 200
"""Events in one transaction: whoever claims meanwhile waits for none of them."""

BATCHES = 50
"""At a time; the next look goes on from there."""


class OutboxEvents(Protocol):
    @abstractmethod
    def distributed(self, distributed: Distributed) -> None:
        """That is committed."""


@dataclass(frozen=True, slots=True)
class DistributeEvents:
    outbox: Outbox
    events: OutboxEvents

    async def __call__(self) -> int:
        """Returns how many there were. Raises Unavailable; what is distributed by then stays so."""
        total = 0
        for _ in range(BATCHES):
            distributed = await self.outbox.distribute(BATCH)
            self.events.distributed(distributed)
            total += distributed.events
            if distributed.events < BATCH:
                break
        return total


@dataclass(frozen=True, slots=True)
class ExpireEvents:
    outbox: Outbox

    async def __call__(self) -> int:
        return await self.outbox.expire(default=DEFAULT_RETENTION)
