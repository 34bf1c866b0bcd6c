"""The state of each folder, and who works on it."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.queue_loss import QueueLoss


class FolderSyncs(Protocol):
    """A row for every folder of every mailbox, which is claimed to be worked on.

    A claim is a lease with a fencing token. It ends with `save` or `release`, or when the lease has
    run out. What is done with the token of a claim that somebody else has since does nothing, and
    returns False or None. Requests that come meanwhile stay for the next run.
    """

    @abstractmethod
    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[FolderSync]:
        """Claim up to *limit* folder syncs that are due, in the order of `urgent_since`."""

    @abstractmethod
    async def claim(
        self, tenant: str, mailbox_id: str, folder: str, now: datetime, lease: timedelta
    ) -> FolderSync | None:
        """Claim one, due or not; None if there is none, it is claimed, or its retry is not due."""

    @abstractmethod
    async def renew(
        self, folder_sync: FolderSync, now: datetime, lease: timedelta
    ) -> FolderSync | None:
        """Hold the claim for another *lease* from *now*; returns it with what has been requested.

        The token of what is returned is another one. None if the claim is lost.
        """

    @abstractmethod
    async def save(self, folder_sync: FolderSync, *, leased_until: datetime | None = None) -> bool:
        """Store what a run has made of a claimed one: all but its position and backfill.

        Requests that it holds no more are done with. If others have come since it was claimed, they
        stay, and it is due at once, or at its *retry_at*. The claim ends, unless it is to go on
        until *leased_until*.
        """

    @abstractmethod
    async def release(self, folder_sync: FolderSync) -> bool:
        """End the claim, and change nothing."""

    @abstractmethod
    async def move_position(self, folder_sync: FolderSync, position: str, now: datetime) -> bool:
        """What lies before *position* is queued, durably."""

    @abstractmethod
    async def move_backfill(
        self, folder_sync: FolderSync, before: datetime | None, after: datetime | None
    ) -> bool:
        """Move the backfill from *before* to *after* (None: there is none).

        Returns False as well if it stands elsewhere: a person has asked for an earlier one. Its end
        is that of `FolderSync.lost_at` and `dead_before` too: what they are about is listed again.
        """

    @abstractmethod
    async def note_announced(
        self, tenant: str, mailbox_id: str, folder: str, number: int, now: datetime
    ) -> None:
        """A notification has come *now*, of all up to *number*. It may be claimed, or not."""

    @abstractmethod
    async def forget_announced(self, folder_sync: FolderSync) -> bool:
        """What notifications had announced was of another mailbox, or an error."""

    @abstractmethod
    async def record_reach(self, folder_sync: FolderSync, since: datetime, now: datetime) -> None:
        """Mail is going to be queued, at *now*, that may have come in as early as *since*.

        Claimed or not, that is remembered for as long as the queue may hold a job of it.
        """

    @abstractmethod
    async def request(
        self,
        tenant: str,
        mailbox_id: str,
        request: Request,
        now: datetime,
        *,
        folder: str | None = None,
    ) -> int:
        """Have the next run see *request*, at *now*, of a folder or of all of the mailbox.

        Returns how many there are. It does not wait for a run that is going on, after which another
        is due then. One whose retry is not due yet waits for that.
        """

    @abstractmethod
    async def request_by_subscription(
        self, subscription_id: str, request: Request, now: datetime
    ) -> bool:
        """The same for the folder of a subscription; False if there is no such subscription."""

    @abstractmethod
    async def request_backfill(
        self,
        tenant: str,
        mailbox_id: str,
        since: datetime,
        now: datetime,
        *,
        dead_before: datetime | None = None,
    ) -> int:
        """Have the next run of every folder, which is due at once, list all from *since* on.

        Returns how many folders there are. An earlier backfill that is still to be made stays. With
        *dead_before*, the list is to queue again what died before that moment, and a backfill that
        goes on begins again, since it has passed over some; of two such moments the later holds.
        """

    @abstractmethod
    async def request_relisting(self, tenant: str, loss: QueueLoss, now: datetime) -> int:
        """Have the next run of every folder of *tenant* list again what *loss* may have cost.

        That is by date, from RELIST_MARGIN before the oldest job that the mailbox had in the queue,
        but not from before the mailbox was added; or from as far back as a list has reached whose
        jobs were in it still (`record_reach`). A backfill that goes on begins again from there.
        Returns how many folders there are.
        """

    @abstractmethod
    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[FolderSync]:
        """Every folder sync (of one tenant, of its mailbox), by tenant, mailbox and folder."""
