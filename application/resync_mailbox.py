"""List again what came into a mailbox, as far back as a person asks for."""

from dataclasses import dataclass
from datetime import datetime

from postroom.application.ports import Clock, FolderSyncs
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Resynced:
    """How many *folders* are to be listed, and how many dead letters were *redriven*."""

    folders: int
    redriven: int = 0


@dataclass(frozen=True, slots=True)
class ResyncMailbox:
    folder_syncs: FolderSyncs
    dead_letters: RedriveDeadLetters
    clock: Clock

    async def __call__(self, mailbox: Mailbox, since: datetime, *, dead: bool = False) -> Resynced:
        """Have all from *since* on listed, at once. What has been handled is not handled again.

        With *dead*, all dead letters of the mailbox are queued again now, and the list queues those
        that the queue has lost; what dies from now on stays dead.
        """
        now, redriven = self.clock.now(), 0
        if dead:  # also those that no list finds: of older mail, and of what is no message
            redriven = await self._redrive(mailbox)
        folders = await self.folder_syncs.request_backfill(
            mailbox.tenant, mailbox.id, since, now, dead_before=now if dead else None
        )
        return Resynced(folders, redriven)

    async def _redrive(self, mailbox: Mailbox) -> int:
        chosen = DeadLetterFilter(tenant=mailbox.tenant, mailbox=mailbox.id)
        done = [progress.done async for progress in self.dead_letters.redrive(chosen)]
        return max(done, default=0)
