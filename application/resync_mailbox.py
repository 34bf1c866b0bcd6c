"""List again what came into a mailbox, as far back as a person asks for."""

from dataclasses import dataclass
from datetime import datetime

from postroom.application.ports import Clock, FolderSyncs
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class ResyncMailbox:
    folder_syncs: FolderSyncs
    clock: Clock

    async def __call__(self, mailbox: Mailbox, since: datetime) -> int:
        """Have all from *since* on listed, at once; returns the number of folders.

        What has been handled is not handled again.
        """
        now = self.clock.now()
        return await self.folder_syncs.request_backfill(mailbox.tenant, mailbox.id, since, now)
