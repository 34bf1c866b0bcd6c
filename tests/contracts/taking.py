"""What the contracts of folder_syncs share: taking one, and what a round makes of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from postroom.application.ports import FolderSyncs
from postroom.domain.folder_sync import FolderSync
from tests.contracts.samples import NOON, subscription

LEASE = timedelta(minutes=10)
LATER = NOON + timedelta(minutes=1)
TOMORROW = NOON + timedelta(days=1)


async def claim_one(folder_syncs: FolderSyncs, now: datetime) -> FolderSync:
    """The one folder_sync that is due."""
    [folder_sync] = await folder_syncs.claim_due(now, 10, LEASE)
    return folder_sync


def told(folder_sync: FolderSync, name: str = "subscription-1") -> FolderSync:
    """What a round has made of *folder_sync* that ended well."""
    return replace(
        folder_sync.subscribed(subscription(name)),
        due_at=TOMORROW,
        synced_at=NOON,
        requests=frozenset(),
    )
