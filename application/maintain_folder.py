"""Maintain a folder in runs: each sees to its notifications, or syncs it."""

import asyncio
from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeGuard

from postroom.application.ports import (
    Clock,
    FolderSyncs,
    MailboxRegistry,
    NotificationsRefused,
    Provider,
    SubscriptionGone,
    Subscriptions,
)
from postroom.application.providers import Providers
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import AccessTracker, tracking
from postroom.domain.access import FAILURE_WINDOW, NO_FAILURES
from postroom.domain.failure import AccessFailed, Failure, FolderMissing, Throttled, Unavailable
from postroom.domain.folder_sync import FolderSync, SyncIntervals
from postroom.domain.mailbox import Mailbox, PausedBy
from postroom.domain.sync_result import SyncResult

MAX_RUN = timedelta(seconds=150)
"""A run is cut off while the claim still holds: of two at a time, one would end the subscription
that the other has made. What it has listed by then is queued, and not listed again."""

LEASE = MAX_RUN + timedelta(seconds=30)
"""How long a folder is claimed for a run. If its process dies, the folder is free again then."""

LEFT_ALONE = timedelta(hours=1)
"""How soon there is a run again for a mailbox that a person paused, unless they resume it."""

NO_LISTENER = "no listener holds the folder: run postroom listener"


@dataclass(frozen=True, slots=True)
class SyncRun:
    """What a run has made of a folder sync: with a *result* if it synced, a *failure* if not."""

    before: FolderSync
    after: FolderSync
    result: SyncResult | None = None
    failure: Failure | None = None
    provider: str = ""


class Maintain(Protocol):
    """What `MaintainFolder` does, for those who are handed it observed."""

    @abstractmethod
    async def __call__(
        self, folder_sync: FolderSync, *, held: timedelta | None = None
    ) -> SyncRun: ...

    @abstractmethod
    async def fail(
        self, folder_sync: FolderSync, failure: Failure, *, held: timedelta | None = None
    ) -> SyncRun: ...


@dataclass(frozen=True, slots=True)
class MaintainFolder(Maintain):
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    providers: Providers
    sync: SyncFolder
    access: AccessTracker
    clock: Clock
    intervals: SyncIntervals
    max_run: timedelta = field(default=MAX_RUN)

    async def __call__(self, folder_sync: FolderSync, *, held: timedelta | None = None) -> SyncRun:
        """Do what is due. A Failure becomes the folder sync's last_error, and is met again later.

        A listener that holds the folder goes on *held* for so long; any other claim ends. Raises
        Unavailable where the run cannot be saved; somebody claims the folder again then.
        """
        run = await self._run(folder_sync, is_held=held is not None)
        await self._save(run, held)
        return run

    async def fail(
        self, folder_sync: FolderSync, failure: Failure, *, held: timedelta | None = None
    ) -> SyncRun:
        """Save that a listener could not go on with the folder; as in a run that has failed."""
        mailbox = await self.registry.get(folder_sync.tenant, folder_sync.mailbox)
        if mailbox and _is_of_access(failure):
            await self.access.failed(mailbox, failure)
        provider = mailbox.provider if mailbox else ""
        run = replace(self._failed(folder_sync, failure), provider=provider)
        await self._save(run, held)
        return run

    async def _save(self, run: SyncRun, held: timedelta | None) -> None:
        leased_until = self.clock.now() + held if held else None
        await self.folder_syncs.save(run.after, leased_until=leased_until)

    async def _run(self, folder_sync: FolderSync, *, is_held: bool) -> SyncRun:
        try:
            async with asyncio.timeout(self.max_run.total_seconds()):
                return await self._attempt(folder_sync, is_held=is_held)
        except TimeoutError:
            return self._failed(folder_sync, Unavailable("the run took too long"))
        except Failure as failure:
            return self._failed(folder_sync, failure)

    async def _attempt(self, folder_sync: FolderSync, *, is_held: bool) -> SyncRun:
        mailbox = await self.registry.get(folder_sync.tenant, folder_sync.mailbox)
        if mailbox is None or (mailbox.paused and mailbox.paused.by is PausedBy.OPERATOR):
            return SyncRun(folder_sync, replace(folder_sync, due_at=self.clock.now() + LEFT_ALONE))
        try:
            async with tracking(self.access, mailbox):
                run = await self._maintain(mailbox, folder_sync, is_held=is_held)
        except Failure as failure:
            run = self._failed(folder_sync, failure)
        return replace(run, provider=mailbox.provider)

    def _failed(self, folder_sync: FolderSync, failure: Failure) -> SyncRun:
        wait, away = self._wait_after(failure), not isinstance(failure, AccessFailed)
        after = folder_sync.failed(failure.reason, self.clock.now(), wait, away=away)
        return SyncRun(folder_sync, after, failure=failure)

    async def _maintain(
        self, mailbox: Mailbox, folder_sync: FolderSync, *, is_held: bool
    ) -> SyncRun:
        provider = self.providers.serving(mailbox.provider)
        after, last_error = await self._see_to_notifications(
            provider, mailbox, folder_sync, is_held=is_held
        )
        now = self.clock.now()
        if after.subscription and after.subscription != folder_sync.subscription:
            # Webhooks must know it before anything else is done: what was announced meanwhile, and
            # turned away, is found by the sync that is due now.
            return SyncRun(folder_sync, replace(after, requests=frozenset(), due_at=now))
        intervals = self.intervals.of_a_listener if is_held else self.intervals
        was_failing = mailbox.access != NO_FAILURES
        if not (last_error or was_failing or after.must_sync(now, intervals)):
            return SyncRun(folder_sync, replace(after, due_at=after.next_due(now, intervals)))
        result = await self.sync(mailbox, after, grace=intervals.grace)
        synced = after.synced(now, result, last_error=last_error, excused=was_failing)
        synced = await self._unless_missed(provider, mailbox, synced)
        now = self.clock.now()
        due_at = synced.next_due(now, intervals) if result.complete else now
        return SyncRun(folder_sync, replace(synced, due_at=due_at), result)

    # --- Notifications ---

    async def _see_to_notifications(
        self, provider: Provider, mailbox: Mailbox, folder_sync: FolderSync, *, is_held: bool
    ) -> tuple[FolderSync, str]:
        """With notifications to come, or polled where none can; and what is wrong."""
        now = self.clock.now()
        if subscriptions := provider.subscriptions:
            return await self._subscribe(subscriptions, mailbox, folder_sync, now)
        if provider.listener and not is_held:
            return folder_sync.obstructed(NO_LISTENER), ""
        if not (provider.listener or provider.notifications):
            return folder_sync.obstructed(f"{provider.title} sends no notifications"), ""
        wanted = folder_sync.wants_notifications(now)
        return folder_sync.announced(now) if wanted else folder_sync, ""

    async def _subscribe(
        self,
        subscriptions: Subscriptions,
        mailbox: Mailbox,
        folder_sync: FolderSync,
        now: datetime,
    ) -> tuple[FolderSync, str]:
        if obstacle := subscriptions.obstacle(mailbox):
            return folder_sync.obstructed(obstacle), ""
        try:
            return await _subscribed(subscriptions, mailbox, folder_sync, now), ""
        except (NotificationsRefused, AccessFailed) as refusal:
            # If the mailbox can be read all the same, it is; else the sync that follows says so.
            return folder_sync.refused(refusal.reason, now), ""
        except Unavailable as failure:
            return folder_sync, failure.reason

    async def _unless_missed(
        self, provider: Provider, mailbox: Mailbox, folder_sync: FolderSync
    ) -> FolderSync:
        """Polled from now on, if notifications have failed to come too often."""
        if not folder_sync.misses_notifications:
            return folder_sync
        if provider.subscriptions and folder_sync.subscription:
            with suppress(Failure):  # if it stays, it does no harm
                await provider.subscriptions.remove(mailbox, folder_sync.subscription.id)
        return folder_sync.tripped(self.clock.now())

    def _wait_after(self, failure: Failure) -> timedelta:
        """How long until the next run."""
        match failure:
            case Throttled(retry_after=wish):
                return wish
            case AccessFailed():
                return FAILURE_WINDOW
            case Unavailable(retry_after=wish):
                return max(wish or timedelta(), self.intervals.poll_every)
            case _:
                return self.intervals.poll_every


def _is_of_access(failure: Failure) -> TypeGuard[AccessFailed]:
    """Whether the mailbox as a whole cannot be read."""
    return isinstance(failure, AccessFailed) and not isinstance(failure, FolderMissing)


async def _subscribed(
    subscriptions: Subscriptions, mailbox: Mailbox, folder_sync: FolderSync, now: datetime
) -> FolderSync:
    if not folder_sync.wants_notifications(now):
        return folder_sync
    if folder_sync.must_create(subscriptions.endpoint, now):
        return await _create(subscriptions, mailbox, folder_sync)
    if folder_sync.must_renew(now):
        return await _renew(subscriptions, mailbox, folder_sync)
    return folder_sync


async def _create(
    subscriptions: Subscriptions, mailbox: Mailbox, folder_sync: FolderSync
) -> FolderSync:
    if folder_sync.subscription:  # it would stand in the way of another for the same folder
        await subscriptions.remove(mailbox, folder_sync.subscription.id)
    return folder_sync.subscribed(await subscriptions.create(mailbox, folder_sync.folder))


async def _renew(
    subscriptions: Subscriptions, mailbox: Mailbox, folder_sync: FolderSync
) -> FolderSync:
    assert folder_sync.subscription
    try:
        renewed = await subscriptions.renew(mailbox, folder_sync.subscription)
    except SubscriptionGone:
        return await _create(subscriptions, mailbox, folder_sync)
    return folder_sync.subscribed(renewed)
