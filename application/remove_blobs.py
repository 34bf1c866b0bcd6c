"""Delete the blobs that nothing refers to.

A blob is put before the row that refers to it is written, and nothing ties the two together. So a
blob is left alone for GRACE after it was put last, which is far longer than that takes
(`ConsumeJob` sees to it), and what was put at the moment of its deletion is only set aside.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.application.ports import BlobReferences, BlobStore, Clock

GRACE = timedelta(hours=1)

PAGE = 1000
PAGES = 100
"""Looked at in one sweep; the next one goes on from there."""


@dataclass(frozen=True, slots=True)
class RemoveBlobs:
    blobs: BlobStore
    references: BlobReferences
    clock: Clock

    async def __call__(self, tenant: str, keys: Sequence[str]) -> int:
        """Of *keys*, what may have lost its last reference; returns how many were deleted."""
        # Before references are looked for: whoever puts a blob after that refers to it later.
        unused_since = self.clock.now() - GRACE
        deleted = 0
        for key in await self.references.unreferenced(tenant, keys):
            deleted += await self.blobs.delete(tenant, key, unused_since=unused_since)
        return deleted


@dataclass(slots=True)
class SweepBlobs:
    """Finds what is left over of filings that were rolled back, and of what has expired."""

    blobs: BlobStore
    remove: RemoveBlobs
    clock: Clock
    _after: str = field(default="", init=False)

    async def __call__(self) -> int:
        """Look at the next of all blobs; returns how many were deleted. Raises Unavailable."""
        deleted = 0
        for _ in range(PAGES):
            since = self.clock.now() - GRACE
            page = await self.blobs.unused(since, after=self._after, limit=PAGE)
            for tenant, keys in _by_tenant(page.blobs).items():
                deleted += await self.remove(tenant, keys)
            self._after = page.next
            if not page.next:
                break
        return deleted


def _by_tenant(blobs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    keys = defaultdict[str, list[str]](list)
    for tenant, key in dict.fromkeys(blobs):
        keys[tenant].append(key)
    return keys
