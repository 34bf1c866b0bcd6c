"""A subscription that is ours to pull, as long as its claim holds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

import structlog
from structlog.typing import FilteringBoundLogger

from postroom.application.ingest_pointer import Ingest
from postroom.application.ports import (
    Clock,
    FolderSyncs,
    NotificationPuller,
    NotificationReader,
    NotificationsRefused,
    Provider,
    Pulled,
    PullStates,
    Routes,
)
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.api.take_in import take_in
from postroom.entrypoints.telemetry.privacy import error_fields
from postroom.entrypoints.telemetry.sdk import Telemetry

RECONNECT = RetryPolicy(base=timedelta(seconds=1), ceiling=timedelta(minutes=5), factor=2)

WHEN_EMPTY = timedelta(seconds=1)
"""How long to wait after a pull of nothing, which may have been answered at once."""

log: FilteringBoundLogger = structlog.get_logger()

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulling:
    """What it takes to pull.

    A claim is held for a *lease*, which is longer than any pull takes. A provider may be away for
    *patience* before the mailboxes are polled.
    """

    pull_states: PullStates
    folder_syncs: FolderSyncs
    routes: Routes
    ingest: Ingest
    telemetry: Telemetry
    clock: Clock
    lease: timedelta = timedelta(minutes=4)
    patience: timedelta = timedelta(minutes=2)
    reconnect: RetryPolicy = RECONNECT
    sleep: Sleep = field(default=asyncio.sleep, repr=False)


@dataclass(slots=True)
class PulledSubscription:
    """*mailboxes* share it. Where the account of one cannot pull it, the next one's is tried:
    accounts were *given_up* so often.

    *noted* is what others know that pulling fails of, and *noted_at* when they last heard of it.
    *failures* counts those in a row, since *well_at*.
    """

    pulling: Pulling
    provider: Provider
    name: str
    mailboxes: list[Mailbox] = field(default_factory=list)
    token: int | None = None
    noted: str = ""
    noted_at: datetime | None = None
    failures: int = 0
    given_up: int = 0
    well_at: datetime | None = None

    async def pull_forever(self) -> NoReturn:
        """Hold the subscription whatever happens to it."""
        try:
            while True:
                try:
                    wait = await self._pull_next()
                except Exception as error:  # noqa: BLE001 - a bug met here must not stop the others
                    wait = self._crashed(error)
                await self._rest(wait)
        finally:
            await self._release()

    async def _rest(self, wait: timedelta) -> None:
        """Hold the subscription meanwhile: what pulling it fails of would be forgotten."""
        step = self.pulling.lease / 2
        while wait > step:
            await self.pulling.sleep(step.total_seconds())
            await self._hold(self.noted)
            wait -= step
        if wait:
            await self.pulling.sleep(wait.total_seconds())

    async def _pull_next(self) -> timedelta:
        """Pull once, if it is ours; returns how long to wait then."""
        try:
            if self.token is None and not await self._claim():
                return self.pulling.lease / 4
            pulled = await self._pulled()
        except (Failure, NotificationsRefused) as failure:
            return await self._failed(failure)
        try:
            await self._take_in(pulled)
        except Failure as failure:  # it is our own: what is not acknowledged comes again
            log.warning("notifications cannot be queued", reason=failure.reason)
            await self._hold(self.noted)
            return self._backoff(failure)
        self.failures, self.well_at = 0, self.pulling.clock.now()
        await self._hold("")
        return timedelta() if pulled else WHEN_EMPTY

    async def _pulled(self) -> list[Pulled]:
        return list(await self._puller.pull(self._mailbox, self.pulling.routes))

    async def _take_in(self, pulled: list[Pulled]) -> None:
        """Queue what is announced, for good, and only then let none of it come again."""
        if not pulled:
            return
        found = [each.notification for each in pulled]
        await take_in(self.pulling, self.provider.name, self._reader, found)
        with suppress(NotificationsRefused, AccessFailed, Throttled, Unavailable):
            await self._puller.acknowledge(self._mailbox, [each.receipt for each in pulled])

    async def _failed(self, failure: Failure | NotificationsRefused) -> timedelta:
        """Have the mailboxes polled, if that is not over in a moment; returns how long to wait.

        What signs one account in may be away alone: then, too, another account is tried.
        """
        now = self.pulling.clock.now()
        is_passing = isinstance(failure, Throttled | Unavailable)
        if not (is_passing and self.well_at and now < self.well_at + self.pulling.patience):
            self.given_up += 1
            await self._hold(failure.reason)
        return self._backoff(failure)

    def _backoff(self, failure: Failure | NotificationsRefused) -> timedelta:
        self.failures += 1
        backoff = self.pulling.reconnect.backoff(self.failures)
        if isinstance(failure, Throttled | Unavailable):
            return max(backoff, failure.retry_after or timedelta())
        return backoff

    async def _claim(self) -> bool:
        now, lease = self.pulling.clock.now(), self.pulling.lease
        key = self.provider.name, self.name
        self.token = await self.pulling.pull_states.claim(*key, now, lease)
        self.noted, self.noted_at, self.well_at = "", now, now
        return self.token is not None

    async def _hold(self, last_error: str) -> None:
        """Hold on to the subscription, with what pulling it fails of, if our stores let us."""
        with suppress(Failure):
            await self._note(last_error)

    async def _note(self, last_error: str) -> None:
        """Have the mailboxes' next runs see what has changed. Raises Unavailable."""
        now, lease = self.pulling.clock.now(), self.pulling.lease
        is_new = last_error != self.noted
        if self.token is None or not (is_new or self._is_to_be_held(now)):
            return
        key = self.provider.name, self.name
        states = self.pulling.pull_states
        if not await states.save(*key, self.token, now + lease, last_error):
            self.token = None
            return
        self.noted, self.noted_at = last_error, now
        if is_new:
            self._log(last_error)
            for each in self.mailboxes:
                await self.pulling.folder_syncs.request(each.tenant, each.id, Request.SYNC, now)

    def _is_to_be_held(self, now: datetime) -> bool:
        return self.noted_at is None or now >= self.noted_at + self.pulling.lease / 4

    def _log(self, last_error: str) -> None:
        fields = {"provider": self.provider.name, "mailboxes": len(self.mailboxes)}
        if last_error:
            log.warning("pull failing", **fields, reason=last_error)
        else:
            log.info("pull recovered", **fields)

    async def _release(self) -> None:
        """Let another have the subscription at once."""
        if self.token is not None:
            now = self.pulling.clock.now()
            with suppress(Failure):
                states = self.pulling.pull_states
                await states.release(self.provider.name, self.name, self.token, now)
            self.token = None

    def _crashed(self, error: Exception) -> timedelta:
        """Log a bug, and return how long to wait."""
        self.failures += 1
        log.error("puller crashed", provider=self.provider.name, **error_fields(error))
        return self.pulling.reconnect.backoff(self.failures)

    @property
    def _mailbox(self) -> Mailbox:
        return self.mailboxes[self.given_up % len(self.mailboxes)]

    @property
    def _puller(self) -> NotificationPuller:
        assert self.provider.puller
        return self.provider.puller

    @property
    def _reader(self) -> NotificationReader:
        assert self.provider.notifications
        return self.provider.notifications
