"""Track whether mailboxes can be read: suspend one that cannot, and resume it when it can."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from postroom.application.ports import Clock, LanePauses, MailboxRegistry
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.domain.access import NO_FAILURES
from postroom.domain.failure import AccessFailed, FolderMissing
from postroom.domain.mailbox import Mailbox, Pause, PausedBy


class AccessTracker(Protocol):
    """Learns of every success and failure from those who read mailboxes."""

    @abstractmethod
    async def failed(self, mailbox: Mailbox, failure: AccessFailed) -> bool:
        """Count the failure; returns whether that has suspended the mailbox."""

    @abstractmethod
    async def worked(self, mailbox: Mailbox) -> bool:
        """Forget the failures; returns whether that has resumed the mailbox."""


@dataclass(frozen=True, slots=True)
class TrackAccess(AccessTracker):
    """A suspended mailbox is paused: its jobs are stored, and `MaintainFolder` goes on trying."""

    registry: MailboxRegistry
    queue: LanePauses
    resume: ResumeMailbox
    clock: Clock

    async def failed(self, mailbox: Mailbox, failure: AccessFailed) -> bool:
        now = self.clock.now()
        tally = mailbox.access.failed(now)
        if tally == mailbox.access:
            return False
        await self.registry.save_access(mailbox, tally)
        if mailbox.paused or not tally.is_suspended or not mailbox.account.folders:
            return False  # without a folder sync, nobody would try whether it can be resumed
        pause = Pause(PausedBy.ACCESS, failure.reason, now)
        return await self.registry.pause(mailbox.tenant, mailbox.id, pause)

    async def worked(self, mailbox: Mailbox) -> bool:
        if mailbox.paused:
            return await self.resume(mailbox.tenant, mailbox.id, paused_by=PausedBy.ACCESS)
        if mailbox.access != NO_FAILURES:
            await self.registry.save_access(mailbox, NO_FAILURES)
            await self.queue.resume(mailbox.tenant, mailbox.id)
        return False


@asynccontextmanager
async def tracking(access: AccessTracker, mailbox: Mailbox) -> AsyncIterator[None]:
    """Track whether what is done in the block could read *mailbox*.

    Only an AccessFailed says that it could not; any other failure says neither.
    """
    try:
        yield
    except FolderMissing:
        await access.worked(mailbox)  # or we would not know
        raise
    except AccessFailed as failure:
        await access.failed(mailbox, failure)
        raise
    await access.worked(mailbox)
