"""The loss of the queue: what is known of it, and how far back mail is listed again after it.

A queue that comes back empty, or as it was at an earlier time, holds no longer what was promised.
All mail that a job pointed at is in its mailbox still, so every folder is listed by date again,
from before the oldest job that the queue may have held. What has ended is known, and left alone.

A job was queued after its message had come in, and mostly soon after. So the list begins
RELIST_MARGIN before the job was queued. What was queued later than that, by a list that reached
further back, is recorded with the folder (see `FolderSyncs.record_reach`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

RELIST_MARGIN = timedelta(hours=6)
"""How long before it was queued a message may have come in, if no list has reached further back.

A provider that names messages in its notifications may send them again for four hours, if we did
not take them; the rest is for clocks that differ.
"""

FAR_BACK = timedelta(hours=1)
"""A list that reaches further back than this is recorded."""

MOST_LANES = 1000
"""With old jobs that are remembered one by one. The others count as the next oldest of them all."""

Lane = tuple[str, str]
"""The tenant and the mailbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """From when on the queue has held its jobs: *since*, but for some *lanes* of older ones."""

    since: datetime
    lanes: Mapping[Lane, datetime] = field(default_factory=dict)

    def in_lane(self, lane: Lane) -> datetime:
        return self.lanes.get(lane, self.since)


def held(ages: Mapping[Lane, timedelta], now: datetime, *, most: int = MOST_LANES) -> Held:
    """What a queue holds at *now* whose oldest job has been in each lane for so long."""
    old = sorted(
        ((age, lane) for lane, age in ages.items() if age > FAR_BACK), key=lambda each: -each[0]
    )
    others = max([FAR_BACK, *(age for age, _ in old[most:])])
    return Held(since=now - others, lanes={lane: now - age for age, lane in old[:most]})


def joined(one: Held, other: Held) -> Held:
    """From when on each lane has held what either says."""
    lanes = one.lanes.keys() | other.lanes.keys()
    return Held(
        since=min(one.since, other.since),
        lanes={lane: min(one.in_lane(lane), other.in_lane(lane)) for lane in lanes},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLoss:
    """*last_beat_at* is when the queue was last seen whole; *held* is what it may have lost.

    *is_tail* says that nothing is missing of what it held then: only what came later, if anything.
    *dead_letters* is how many there were, and *dead_ids* are the jobs of the newest of them.
    """

    noticed_at: datetime
    last_beat_at: datetime
    held: Held
    is_tail: bool = False
    dead_letters: int = 0
    dead_ids: tuple[str, ...] = ()

    def with_earlier(self, earlier: "QueueLoss") -> "QueueLoss":
        """Together with one whose folders have not been told yet."""
        return replace(
            self,
            held=joined(earlier.held, self.held),
            is_tail=self.is_tail and earlier.is_tail,
        )

    @property
    def listed_since(self) -> datetime:
        """From when on mail is listed again, in the mailbox where that is earliest."""
        return min([self.held.since, *self.held.lanes.values()]) - RELIST_MARGIN
