"""What a round of maintenance leaves behind: a folder that is subscribed to."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from postroom.application.ports import FolderSyncs
from postroom.domain.mailbox import Mailbox
from postroom.domain.subscription import Subscription


def a_subscription(subscription_id: str, secret: str, now: datetime) -> Subscription:
    """Of the secret itself nothing is kept. Without one the digest is empty, too."""
    return Subscription(
        id=subscription_id,
        secret_digest=hashlib.sha256(secret.encode()).hexdigest() if secret else "",
        endpoint="https://postroom.test/webhooks/microsoft",
        created_at=now,
        renewed_at=now,
        expires_at=now + timedelta(days=6),
    )


async def subscribe(
    folder_syncs: FolderSyncs, mailbox: Mailbox, subscription: Subscription, now: datetime
) -> None:
    """Have the folder of *mailbox*, which was added just now, told of under *subscription*."""
    for folder_sync in await folder_syncs.claim_due(now, 1000, timedelta(seconds=1)):
        if (folder_sync.tenant, folder_sync.mailbox) == (mailbox.tenant, mailbox.id):
            later = now + timedelta(days=1)
            kept = replace(folder_sync.subscribed(subscription), due_at=later)
            assert await folder_syncs.save(kept)
            return
    raise AssertionError("the mailbox has no folder_sync that is due")
