"""List again what came into a mailbox, as far back as a person asks for."""

from dataclasses import dataclass
from datetime import datetime

from postroom.application.ports import Clock, Cursors, FolderSyncs
from postroom.application.sync_folder import request_backfill
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class ResyncMailbox:
    folder_syncs: FolderSyncs
    cursors: Cursors
    clock: Clock

    async def __call__(self, mailbox: Mailbox, since: datetime) -> int:
        """Have the next look list all from *since* on, at once; returns the number of folders.

        What has been handled is not handled again.
        """
        tenant, mailbox_id = mailbox.tenant, mailbox.id
        for folder_sync in await self.folder_syncs.all(tenant=tenant, mailbox=mailbox_id):
            await request_backfill(self.cursors, mailbox, folder_sync.folder, since)
        now = self.clock.now()
        return await self.folder_syncs.request_all(tenant, mailbox_id, Request.SYNC, now)
