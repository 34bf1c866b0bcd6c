"""Keep the mail of a folder coming, in rounds: each subscribes, or looks at what came in."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from postroom.application.ports import (
    Clock,
    FolderSyncs,
    MailboxRegistry,
    NotificationsRefused,
    SubscriptionGone,
    Subscriptions,
)
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import Access, watched
from postroom.domain.access import FAILURE_WINDOW, NO_FAILURES
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.folder_sync import FolderSync, Found, SyncIntervals
from postroom.domain.mailbox import Mailbox, PausedBy

MAX_RUN = timedelta(seconds=150)
"""A round is cut off while the folder_sync is still ours: of two at a time, one would end the
subscription that the other has made. What it has listed by then is queued, and not listed again."""

LEFT_ALONE = timedelta(hours=1)
"""How soon there is a round again for a mailbox that a person paused, unless they resume it."""


@dataclass(frozen=True, slots=True)
class SyncRun:
    """What a round has made of a folder_sync, and what it *found*, if it looked."""

    before: FolderSync
    after: FolderSync
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class MaintainFolder:
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    subscriptions: Subscriptions
    reconcile: SyncFolder
    access: Access
    clock: Clock
    intervals: SyncIntervals
    max_run: timedelta = field(default=MAX_RUN)

    async def __call__(self, folder_sync: FolderSync) -> SyncRun:
        """Do what is due. A Failure is kept as the folder_sync's last_error, and met again later.

        Raises Unavailable where that cannot be kept; somebody takes the folder_sync again then.
        """
        kept = await self._run(folder_sync)
        await self.folder_syncs.save(kept.after)
        return kept

    async def _run(self, folder_sync: FolderSync) -> SyncRun:
        try:
            async with asyncio.timeout(self.max_run.total_seconds()):
                return await self._attempt(folder_sync)
        except TimeoutError:
            return self._failed(folder_sync, Unavailable("the round took too long"))
        except Failure as failure:
            return self._failed(folder_sync, failure)

    async def _attempt(self, folder_sync: FolderSync) -> SyncRun:
        mailbox = await self.registry.get(folder_sync.tenant, folder_sync.mailbox)
        if mailbox is None or (mailbox.paused and mailbox.paused.by is PausedBy.OPERATOR):
            return SyncRun(folder_sync, replace(folder_sync, due_at=self.clock.now() + LEFT_ALONE))
        async with watched(self.access, mailbox):
            return await self._receive(mailbox, folder_sync)

    def _failed(self, folder_sync: FolderSync, failure: Failure) -> SyncRun:
        due_at = self.clock.now() + self._wait_after(failure)
        return SyncRun(folder_sync, replace(folder_sync, last_error=failure.reason, due_at=due_at))

    async def _receive(self, mailbox: Mailbox, folder_sync: FolderSync) -> SyncRun:
        after, last_error = await self._subscribe(mailbox, folder_sync)
        now = self.clock.now()
        if after.subscription and after.subscription != folder_sync.subscription:
            # Webhooks must know it before anything else is done: what was told of meanwhile, and
            # turned away, is found by the look that is due now.
            return SyncRun(folder_sync, replace(after, requests=frozenset(), due_at=now))
        was_shut = mailbox.access != NO_FAILURES
        if not after.must_sync(now, self.intervals) and not was_shut:
            return SyncRun(folder_sync, replace(after, due_at=after.next_due(now, self.intervals)))
        found = await self.reconcile(mailbox, after)
        looked = after.synced(now, found, last_error=last_error, excused=was_shut)
        looked = await self._unless_missed(mailbox, looked)
        now = self.clock.now()
        due_at = looked.next_due(now, self.intervals) if found.complete else now
        return SyncRun(folder_sync, replace(looked, due_at=due_at), found)

    # --- Notifications ---

    async def _subscribe(self, mailbox: Mailbox, folder_sync: FolderSync) -> tuple[FolderSync, str]:
        """With a live subscription, or polled where there can be none; and what is wrong."""
        now = self.clock.now()
        if obstacle := self.subscriptions.obstacle(mailbox):
            return folder_sync.obstructed(obstacle), ""
        try:
            return await self._subscribed(mailbox, folder_sync, now), ""
        except (NotificationsRefused, AccessFailed) as refusal:
            # If the mailbox can be read all the same, it is; else the look that follows says so.
            return folder_sync.refused(refusal.reason, now), ""
        except Unavailable as failure:
            return folder_sync, failure.reason

    async def _subscribed(
        self, mailbox: Mailbox, folder_sync: FolderSync, now: datetime
    ) -> FolderSync:
        if not folder_sync.wants_subscription(now):
            return folder_sync
        if folder_sync.must_create(self.subscriptions.endpoint, now):
            return await self._create(mailbox, folder_sync)
        if folder_sync.must_renew(now):
            return await self._renew(mailbox, folder_sync)
        return folder_sync

    async def _create(self, mailbox: Mailbox, folder_sync: FolderSync) -> FolderSync:
        if folder_sync.subscription:  # it would stand in the way of another for the same folder
            await self.subscriptions.remove(mailbox, folder_sync.subscription.id)
        return folder_sync.subscribed(await self.subscriptions.create(mailbox, folder_sync.folder))

    async def _renew(self, mailbox: Mailbox, folder_sync: FolderSync) -> FolderSync:
        assert folder_sync.subscription
        try:
            renewed = await self.subscriptions.renew(mailbox, folder_sync.subscription)
        except SubscriptionGone:
            return await self._create(mailbox, folder_sync)
        return folder_sync.subscribed(renewed)

    async def _unless_missed(self, mailbox: Mailbox, folder_sync: FolderSync) -> FolderSync:
        """Polled from now on, if notifications have failed to come too often."""
        if not folder_sync.misses_notifications or folder_sync.subscription is None:
            return folder_sync
        with suppress(Failure):  # if it stays, it does no harm
            await self.subscriptions.remove(mailbox, folder_sync.subscription.id)
        return folder_sync.silenced(self.clock.now())

    def _wait_after(self, failure: Failure) -> timedelta:
        """How long until the next round."""
        match failure:
            case Throttled(retry_after=wish):
                return wish
            case AccessFailed():
                return FAILURE_WINDOW
            case Unavailable(retry_after=wish):
                return max(wish or timedelta(), self.intervals.poll_every)
            case _:
                return self.intervals.poll_every
