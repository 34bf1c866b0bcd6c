"""Delete what was handed over when its application has no use for it any more, and what came in
shadow when no change goes back so far.

The body goes with the row. The original goes by the rules of `remove_blobs.py`, when nothing else
refers to it: so even with a retention of 0 it is there for some hours.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from postroom.application.ports import HandoverRecords, ShadowRows
from postroom.domain.handover.application import DEFAULT_RETENTION
from postroom.domain.handover.shadow import SHADOW_LASTS

BATCH = 500
"""Deleted in one transaction: whoever claims meanwhile waits for none of these rows."""

BATCHES = 200
"""In one sweep; the next one goes on from there."""


@dataclass(frozen=True, slots=True)
class ExpireHandovers:
    records: HandoverRecords
    rows: ShadowRows

    async def __call__(self) -> int:
        """Returns how many were deleted. Raises Unavailable; what is deleted by then stays so."""
        handled = await _all(lambda: self.records.expired(limit=BATCH, default=DEFAULT_RETENTION))
        return handled + await _all(lambda: self.rows.expired(limit=BATCH, after=SHADOW_LASTS))


async def _all(delete: Callable[[], Awaitable[int]]) -> int:
    deleted = 0
    for _ in range(BATCHES):
        count = await delete()
        deleted += count
        if count < BATCH:
            break
    return deleted
