"""Maintain a folder in runs: each sees to its notifications, or syncs it."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import random
from typing import Protocol, TypeGuard

from postroom.application.ports import (
    Clock,
    FolderSyncs,
    MailboxRegistry,
    NoProgress,
    PositionRefused,
    Provider,
    PullStates,
)
from postroom.application.providers import Providers
from postroom.application.see_to_notifications import see_to_notifications, unless_missed
from postroom.application.slow_calls import AGAIN_AFTER, SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import AccessTracker, tracking
from postroom.application.track_sources import SourceTracker
from postroom.application.unless_unpulled import unless_unpulled
from postroom.domain.access import FAILURE_WINDOW, NO_FAILURES
from postroom.domain.circuit import probe_after
from postroom.domain.failure import (
    AccessFailed,
    Failure,
    FolderMissing,
    StoreUnavailable,
    Throttled,
    Unavailable,
)
from postroom.domain.folder_sync import FolderSync, SyncIntervals
from postroom.domain.mailbox import Mailbox, PausedBy
from postroom.domain.subscription import Subscription
from postroom.domain.sync_result import SyncResult

MAX_RUN = timedelta(seconds=150)
"""A run is cut off while the claim still holds: of two at a time, one would end the subscription
that the other has made. What it has listed by then is queued, and not listed again."""

LEASE = MAX_RUN + timedelta(seconds=30)
"""How long a folder is claimed for a run. If its process dies, the folder is free again then."""

LEFT_ALONE = timedelta(hours=1)
"""How soon there is a run again for a mailbox that a person paused, unless they resume it."""

WHILE_OFF = timedelta(minutes=5)
"""How soon a folder is looked at again whose provider's ingress is off: it may be on by then."""


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
    sources: SourceTracker
    slow_calls: SlowCalls
    pull_states: PullStates
    clock: Clock
    intervals: SyncIntervals
    max_run: timedelta = field(default=MAX_RUN)
    draw: Callable[[], float] = field(default=random, repr=False)

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
        if mailbox:
            await self._note_failure(mailbox, failure, self.sources.mark())
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
        except StoreUnavailable:
            raise  # it is no failure of the folder's
        except Failure as failure:
            return self._failed(folder_sync, failure)

    async def _attempt(self, folder_sync: FolderSync, *, is_held: bool) -> SyncRun:
        mailbox = await self.registry.get(folder_sync.tenant, folder_sync.mailbox)
        if mailbox is None or (mailbox.paused and mailbox.paused.by is PausedBy.OPERATOR):
            return SyncRun(folder_sync, replace(folder_sync, due_at=self.clock.now() + LEFT_ALONE))
        if self.providers.ingress.is_off(mailbox.provider):
            put_off = folder_sync.put_off(self.clock.now() + WHILE_OFF)
            return SyncRun(folder_sync, put_off, provider=mailbox.provider)
        mark = self.sources.mark()
        try:
            run = await self._maintain_tracked(mailbox, folder_sync, is_held=is_held)
        except StoreUnavailable:
            raise
        except Failure as failure:
            await self._note_failure(mailbox, failure, mark)
            run = self._failed(folder_sync, failure)
        return replace(run, provider=mailbox.provider)

    async def _maintain_tracked(
        self, mailbox: Mailbox, folder_sync: FolderSync, *, is_held: bool
    ) -> SyncRun:
        """With what that shows of the mailbox's access, and of its sources."""
        provider = self.providers.serving(mailbox.provider)
        sources = provider.sources_of(mailbox.account)
        is_new = folder_sync.waiting_since is None
        if wait := await self.sources.wait(sources, is_new=is_new):
            away = Unavailable(f"{provider.title} is away", retry_after=wait)
            return self._failed(folder_sync, away)
        if self.slow_calls.are_too_many(mailbox.tenant, sources):
            return SyncRun(folder_sync, replace(folder_sync, due_at=self.clock.now() + AGAIN_AFTER))
        with self.slow_calls.calling(mailbox.tenant, sources):
            async with tracking(self.access, mailbox):
                run = await self._maintain(provider, mailbox, folder_sync, is_held=is_held)
        await self.sources.answered(sources)
        return run

    async def _note_failure(self, mailbox: Mailbox, failure: Failure, mark: int) -> None:
        """Note that a source did not serve the mailbox, if that is what *failure* says."""
        if isinstance(failure, NoProgress | PositionRefused):
            return  # it is this folder's list that gets nowhere
        if isinstance(failure, Unavailable):
            provider = self.providers.serving(mailbox.provider)
            source = failure.source or provider.sources_of(mailbox.account)[0]
            await self.sources.failed(source, f"{mailbox.tenant}/{mailbox.id}", mark=mark)

    def _failed(self, folder_sync: FolderSync, failure: Failure) -> SyncRun:
        now, away = self.clock.now(), not isinstance(failure, AccessFailed)
        away_for = now - (folder_sync.waiting_since or now)
        wait = self._wait_after(failure, away_for)
        after = folder_sync.failed(failure.reason, now, wait, away=away)
        return SyncRun(folder_sync, after, failure=failure)

    async def _maintain(
        self, provider: Provider, mailbox: Mailbox, folder_sync: FolderSync, *, is_held: bool
    ) -> SyncRun:
        after, last_error = await see_to_notifications(
            provider,
            mailbox,
            folder_sync,
            self.clock.now(),
            is_held=is_held,
            left_to_others=self.providers.ingress.obstacle(provider.name),
        )
        now = self.clock.now()
        after = await unless_unpulled(provider, mailbox, after, self.pull_states, now)
        if _is_new(after.subscription, folder_sync.subscription):
            # Webhooks must know it before anything else is done: what was announced meanwhile, and
            # turned away, is found by the sync that is due now.
            return SyncRun(folder_sync, replace(after, requests=frozenset(), due_at=now))
        intervals = self.intervals.of_a_listener if is_held else self.intervals
        was_failing = mailbox.access != NO_FAILURES
        if not (last_error or was_failing or after.must_sync(now, intervals)):
            return SyncRun(folder_sync, replace(after, due_at=after.next_due(now, intervals)))
        result = await self.sync(mailbox, after, grace=intervals.grace)
        synced = after.synced(now, result, last_error=last_error, excused=was_failing)
        synced = await unless_missed(provider, mailbox, synced, self.clock.now())
        now = self.clock.now()
        is_over = result.complete or result.behind
        due_at = synced.next_due(now, intervals) if is_over else now
        return SyncRun(folder_sync, replace(synced, due_at=due_at), result)

    def _wait_after(self, failure: Failure, away_for: timedelta) -> timedelta:
        """How long until the next run, if the folder has waited *away_for* by now."""
        match failure:
            case Throttled(retry_after=wish):
                return wish
            case AccessFailed():
                return FAILURE_WINDOW
            case Unavailable(retry_after=wish):
                wait = max(self.intervals.poll_every, probe_after(away_for, self.draw()))
                return max(wish or timedelta(), wait)
            case _:
                return self.intervals.poll_every


def _is_of_access(failure: Failure) -> TypeGuard[AccessFailed]:
    """Whether the mailbox as a whole cannot be read."""
    return isinstance(failure, AccessFailed) and not isinstance(failure, FolderMissing)


def _is_new(after: Subscription | None, before: Subscription | None) -> bool:
    """Whether *after* was made or renewed since."""
    if after is None or before is None:
        return after is not None
    return replace(after, retry_at=before.retry_at, throttled_by=before.throttled_by) != before
