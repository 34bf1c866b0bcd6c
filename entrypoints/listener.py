"""Listens to the folders whose provider announces changes on a connection that is held open.

One task for each folder claims it, holds it for as long as it listens, and syncs it. What is held
by one listener no other touches, and neither does maintenance: it steps in where nobody holds a
folder. So a stand-by needs no election.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NoReturn

import structlog
from structlog.typing import FilteringBoundLogger

from postroom.application.maintain_folder import Maintain, SyncRun
from postroom.application.ports import (
    ChangeListener,
    Clock,
    FolderSyncs,
    ListenerSession,
    MailboxRegistry,
)
from postroom.application.providers import Providers
from postroom.application.track_sources import SourceTracker
from postroom.domain.access import NO_FAILURES
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import Mailbox
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.privacy import error_fields

RECONNECT = RetryPolicy(base=timedelta(seconds=1), ceiling=timedelta(minutes=1), factor=2)

ACCESS_PAUSE = timedelta(minutes=5)
"""How long a folder is left alone whose mailbox cannot be read."""

Sleep = Callable[[float], Awaitable[object]]

log: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """What one task does. A mailbox that was changed, if only its password, is another watch.

    How often its access has failed makes no difference.
    """

    mailbox: Mailbox
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Each folder is synced whenever its provider announces a change, and in between all the same.

    *refresh* is how often the mailboxes are looked up. A claim is renewed three times within its
    *lease*. *sync_again* is how soon after a change another sync is due: a server may forget what
    came while one was going on.
    """

    registry: MailboxRegistry
    providers: Providers
    folder_syncs: FolderSyncs
    maintain: Maintain
    sources: SourceTracker
    clock: Clock
    refresh: timedelta = timedelta(minutes=1)
    lease: timedelta = timedelta(minutes=3)
    sync_again: timedelta = timedelta(seconds=30)
    reconnect: RetryPolicy = RECONNECT
    sleep: Sleep = field(default=asyncio.sleep, repr=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until *stop*. A pointer that is being queued then is queued again next time."""
        tasks: dict[Watch, asyncio.Task[NoReturn]] = {}
        watching = asyncio.create_task(self._watch_all(tasks))
        stopping = asyncio.create_task(stop.wait())
        log.info("listener started")
        try:
            await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
        finally:
            await cancel([watching, stopping, *tasks.values()])
            log.info("listener stopped")

    async def _watch_all(self, tasks: dict[Watch, asyncio.Task[NoReturn]]) -> NoReturn:
        """Start what is to be watched and stop what is not, whenever the mailboxes change."""
        failing = False
        while True:
            try:
                wanted = await self._watches()
            except Failure as failure:
                if not failing:
                    log.warning("mailboxes cannot be looked up", reason=failure.reason)
                failing = True
            else:
                failing = False
                await cancel([tasks.pop(watch) for watch in list(tasks) if watch not in wanted])
                for watch, listener in wanted.items():
                    if watch not in tasks:
                        tasks[watch] = asyncio.create_task(self._watch(watch, listener))
            await self.sleep(self.refresh.total_seconds())

    async def _watches(self) -> Mapping[Watch, ChangeListener]:
        return {
            Watch(replace(mailbox, access=NO_FAILURES), folder): listener
            for mailbox in await self.registry.all()
            if mailbox.provider in self.providers and not mailbox.paused
            if not self.providers.ingress.obstacle(mailbox.provider)
            if (listener := self.providers[mailbox.provider].listener)
            for folder in mailbox.account.folders
        }

    async def _watch(self, watch: Watch, listener: ChangeListener) -> NoReturn:
        """Hold one folder for ever, whatever happens to it."""
        held = _Held(self, watch, listener)
        try:
            while True:
                try:
                    wait = await held.hold()
                except Exception as error:  # noqa: BLE001 - a bug met in one folder must not stop it
                    wait = held.crashed(error)
                await self.sleep(wait.total_seconds())
        finally:
            await held.release()  # it may be ours between two connections, too


@dataclass(slots=True)
class _Held:
    """A folder that is ours to sync, as long as its *claim* holds.

    *failures* counts those in a row, of which the last was *saved* by its sync, if it was one.
    *refusals* counts the claims in a row that somebody else had before us. *again_at* is when
    another sync is due after a change.
    """

    listener: Listener
    watch: Watch
    source: ChangeListener
    claim: FolderSync | None = None
    failures: int = 0
    refusals: int = 0
    again_at: datetime | None = None
    saved: Failure | None = None

    async def hold(self) -> timedelta:
        """Follow the folder for as long as that goes; returns how long to wait then."""
        try:
            await self.listen()
        except Failure as failure:
            return await self.failed(failure)
        return self.passed_over()

    async def listen(self) -> None:
        """Follow the folder; returns when somebody else holds it. Raises a Failure."""
        try:
            if not await self._renew() and not await self._claim():
                return
            self.refusals = 0
            await self._leave_alone_what_is_away()
            async with self.source.open(self.watch.mailbox, self.watch.folder) as session:
                await self._follow(session)
        except Failure:
            raise  # whether we hold on to the folder all the same, `failed` says
        except BaseException:
            await self.release()
            raise

    async def _leave_alone_what_is_away(self) -> None:
        provider = self.listener.providers[self.watch.mailbox.provider]
        sources = provider.sources_of(self.watch.mailbox.account)
        if wait := await self.listener.sources.wait(sources, is_new=not self.failures):
            raise Unavailable(f"{provider.title} is away", retry_after=wait)

    async def _follow(self, session: ListenerSession) -> None:
        changed = True  # what came before the session was opened, it does not hear of
        while self.claim:
            if changed or self._is_due(self.claim):
                await self._sync(changed=changed)
            changed = await session.changed(self._patience())
            self.failures = 0  # not sooner, or a server that drops us at once is called on hot
            await self._renew()

    async def _sync(self, *, changed: bool) -> None:
        assert self.claim
        request = Request.CHANGED if changed else Request.SYNC
        if changed or self.again_at:
            self.claim = replace(self.claim, requests=self.claim.requests | {request})
        run = await self.listener.maintain(self.claim, held=self.listener.lease)
        self.claim = _after(run, self.claim)
        now = self.listener.clock.now()
        self.again_at = now + self.listener.sync_again if changed else None
        if run.failure:
            self.saved = run.failure
            raise run.failure

    def _is_due(self, claim: FolderSync) -> bool:
        now = self.listener.clock.now()
        again = self.again_at is not None and self.again_at <= now
        return again or bool(claim.requests) or claim.due_at <= now

    def _patience(self) -> timedelta:
        """How long to wait for a change: until a sync is due, or the claim is to be renewed."""
        assert self.claim
        now = self.listener.clock.now()
        due_at = min(self.claim.due_at, self.again_at or self.claim.due_at)
        return max(min(due_at - now, self.listener.lease / 3), timedelta())

    async def _claim(self) -> bool:
        listener, mailbox = self.listener, self.watch.mailbox
        self.claim = await listener.folder_syncs.claim(
            mailbox.tenant,
            mailbox.id,
            self.watch.folder,
            listener.clock.now(),
            listener.lease,
        )
        return self.claim is not None

    async def _renew(self) -> bool:
        """Hold on to the claim, and see what has been requested; False if it is lost."""
        if self.claim:
            now, lease = self.listener.clock.now(), self.listener.lease
            self.claim = await self.listener.folder_syncs.renew(self.claim, now, lease)
        return self.claim is not None

    async def release(self) -> None:
        """Let another listener, or maintenance, have the folder at once."""
        if self.claim:
            with suppress(Failure):
                await self.listener.folder_syncs.release(self.claim)
            self.claim = None

    def passed_over(self) -> timedelta:
        """How long to wait for the folder, which a run of maintenance holds for a moment, and
        another listener for good.
        """
        self.refusals += 1
        return self.listener.reconnect.backoff(self.refusals)

    async def failed(self, failure: Failure) -> timedelta:
        """Save the failure as the folder's, and return how long to wait.

        We hold on to a folder whose server is away for a moment: nobody would reach it sooner.
        """
        self.failures += 1
        if self.claim and failure is not self.saved:
            with suppress(Failure):
                lease, maintain = self.listener.lease, self.listener.maintain
                run = await maintain.fail(self.claim, failure, held=lease)
                self.claim = _after(run, self.claim)
        if isinstance(failure, AccessFailed):
            await self.release()
            return ACCESS_PAUSE
        backoff = self.listener.reconnect.backoff(self.failures)
        if isinstance(failure, Throttled | Unavailable):
            return max(backoff, failure.retry_after or timedelta())
        return backoff

    def crashed(self, error: Exception) -> timedelta:
        """Log a bug, and return how long to wait."""
        self.failures += 1
        mailbox = self.watch.mailbox
        log.error(
            "listener crashed",
            tenant=mailbox.tenant,
            mailbox=mailbox.id,
            provider=mailbox.provider,
            folder=self.watch.folder,
            **error_fields(error),
        )
        return self.listener.reconnect.backoff(self.failures)


def _after(run: SyncRun, claim: FolderSync) -> FolderSync:
    return replace(run.after, token=claim.token)
