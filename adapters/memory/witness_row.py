"""What is stored of the queue beside its jobs: see `QueueWitness`."""

from dataclasses import dataclass
from datetime import UTC, datetime

from postroom.domain.queue_loss import Held, Lane, QueueLoss

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WitnessRow:
    number: int = 0
    floor: int = 0
    confirmed_at: datetime | None = None
    surveyed_at: datetime | None = None
    held: Held | None = None
    dead: int = 0
    dead_ids: tuple[str, ...] = ()
    loss: QueueLoss | None = None
    is_requested: bool = True

    def held_in(self, lane: Lane) -> datetime:
        """From when on the queue has held jobs of *lane*, as far as is known."""
        return self.held.in_lane(lane) if self.held else LONG_AGO
