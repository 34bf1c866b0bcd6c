"""Delete what was handed over when its application has no use for it any more.

The body goes with the row. The original goes by the rules of `remove_blobs.py`, when nothing else
refers to it: so even with a retention of 0 it is there for some hours.
"""

from dataclasses import dataclass

from postroom.application.ports import HandoverRecords
from postroom.domain.handover.application import DEFAULT_RETENTION

BATCH = 500
"""Deleted in one transaction: whoever claims meanwhile waits for none of these rows."""

BATCHES = 200
"""In one sweep; the next one goes on from there."""


@dataclass(frozen=True, slots=True)
class ExpireHandovers:
    records: HandoverRecords

    async def __call__(self) -> int:
        """Returns how many were deleted. Raises Unavailable; what is deleted by then stays so."""
        deleted = 0
        for _ in range(BATCHES):
            count = await self.records.expired(limit=BATCH, default=DEFAULT_RETENTION)
            deleted += count
            if count < BATCH:
                break
        return deleted
