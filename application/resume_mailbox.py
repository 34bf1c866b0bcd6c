"""Let a paused mailbox go on: its jobs are handed out, and what it missed is caught up with."""

from dataclasses import dataclass

from postroom.application.ports import LanePauses, MailboxRegistry
from postroom.domain.mailbox import PausedBy


@dataclass(frozen=True, slots=True)
class ResumeMailbox:
    registry: MailboxRegistry
    queue: LanePauses

    async def __call__(
        self, tenant: str, mailbox_id: str, *, paused_by: PausedBy | None = None
    ) -> bool:
        """Resume it if it is paused (by *paused_by*, if that is given); returns whether it was.

        A crash half-way leaves the lane paused for some minutes, and no longer: see `ConsumeJob`.
        """
        resumed = await self.registry.resume(tenant, mailbox_id, paused_by=paused_by)
        if resumed:
            await self.queue.resume(tenant, mailbox_id)
        return resumed
