"""List again what came into a mailbox, as far back as a person asks for."""

from dataclasses import dataclass
from datetime import datetime

from postroom.application.ports import Clock, Cursors, Receptions
from postroom.application.reconcile import owe
from postroom.domain.mailbox import Mailbox
from postroom.domain.reception import Request


@dataclass(frozen=True, slots=True)
class ResyncMailbox:
    receptions: Receptions
    cursors: Cursors
    clock: Clock

    async def __call__(self, mailbox: Mailbox, since: datetime) -> int:
        """Have the next look list all from *since* on, at once; returns the number of folders.

        What has been handled is not handled again.
        """
        tenant, mailbox_id = mailbox.tenant, mailbox.id
        for reception in await self.receptions.all(tenant=tenant, mailbox=mailbox_id):
            await owe(self.cursors, mailbox, reception.folder, since)
        now = self.clock.now()
        return await self.receptions.request_all(tenant, mailbox_id, Request.RECONCILE, now)
