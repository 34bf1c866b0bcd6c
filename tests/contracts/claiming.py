"""What the contracts of folder syncs share: claiming one, and what a run makes of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from postroom.application.ports import FolderSyncs
from postroom.domain.folder_sync import FolderSync
from tests.contracts.samples import NOON, subscription

LEASE = timedelta(minutes=10)
LATER = NOON + timedelta(minutes=1)
TOMORROW = NOON + timedelta(days=1)


async def claim_one(folder_syncs: FolderSyncs, now: datetime) -> FolderSync:
    """The one folder sync that is due."""
    [folder_sync] = await folder_syncs.claim_due(now, 10, LEASE)
    return folder_sync


async def stored(folder_syncs: FolderSyncs) -> FolderSync:
    """The one folder sync that there is."""
    [folder_sync] = await folder_syncs.all()
    return folder_sync


def subscribed(folder_sync: FolderSync, name: str = "subscription-1") -> FolderSync:
    """What a run has made of *folder_sync* that ended well."""
    return replace(
        folder_sync.subscribed(subscription(name)),
        due_at=TOMORROW,
        synced_at=NOON,
        requests=frozenset(),
    )


def failed(folder_sync: FolderSync, wait: timedelta) -> FolderSync:
    """What a run has made of *folder_sync* at noon that is to be tried again after *wait*."""
    return folder_sync.failed("HTTP 503", NOON, wait, away=True)
