"""Listens to the IMAP mailboxes: one task for each folder that an account names.

Two listeners at once do no harm: both queue the same pointers under the same job ids, and the
cursor of a folder is moved by whoever comes first. So a stand-by needs no election.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn

import structlog
from structlog.typing import FilteringBoundLogger

from postroom.application.ports import MailboxRegistry, MailFolders
from postroom.application.watch_folder import CatchUpFolder
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.mailbox import ImapAccount, Mailbox
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.privacy import error_fields

RECONNECT = RetryPolicy(
    base=timedelta(seconds=1), ceiling=timedelta(minutes=1), access_pause=timedelta(minutes=5)
)

Sleep = Callable[[float], Awaitable[object]]

log: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """What one task does. A mailbox that was changed, if only its password, is another watch."""

    mailbox: Mailbox
    folder: str


@dataclass(frozen=True, slots=True)
class Listener:
    """Each folder is listed whenever its server tells of news, and in between all the same.

    *refresh* is how often the mailboxes are looked up. *look_every* is how often a folder is listed
    that nothing is told of, since a connection may be dead without a sign. *look_again* is how soon
    after news: a server may forget to tell what came between a listing and IDLE.
    """

    registry: MailboxRegistry
    folders: MailFolders
    catch_up: CatchUpFolder
    refresh: timedelta = timedelta(minutes=1)
    look_every: timedelta = timedelta(minutes=5)
    look_again: timedelta = timedelta(seconds=30)
    reconnect: RetryPolicy = RECONNECT
    sleep: Sleep = field(default=asyncio.sleep, repr=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until *stop*. A pointer that is being queued then is queued again next time."""
        tasks: dict[Watch, asyncio.Task[NoReturn]] = {}
        keeping = asyncio.create_task(self._keep_up(tasks))
        stopping = asyncio.create_task(stop.wait())
        log.info("listener started")
        try:
            await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
        finally:
            await cancel([keeping, stopping, *tasks.values()])
            log.info("listener stopped")

    async def _keep_up(self, tasks: dict[Watch, asyncio.Task[NoReturn]]) -> NoReturn:
        """Start what is to be watched and stop what is not, whenever the mailboxes change."""
        failing = False
        while True:
            try:
                wanted = _watches(await self.registry.all())
            except Failure as failure:
                if not failing:
                    log.warning("mailboxes cannot be looked up", reason=failure.reason)
                failing = True
            else:
                failing = False
                await cancel([tasks.pop(watch) for watch in list(tasks) if watch not in wanted])
                for watch in wanted:
                    if watch not in tasks:
                        tasks[watch] = asyncio.create_task(self._watch(watch))
            await self.sleep(self.refresh.total_seconds())

    async def _watch(self, watch: Watch) -> NoReturn:
        """Follow one folder for ever, whatever happens to it."""
        state = _State(_bound(watch))
        while True:
            try:
                await self._follow(watch, state)
            except Failure as failure:
                wait = state.failed(failure, self.reconnect)
            except Exception as error:  # noqa: BLE001 - a bug met in one folder must not stop it
                wait = state.crashed(error, self.reconnect)
            await self.sleep(wait.total_seconds())

    async def _follow(self, watch: Watch, state: "_State") -> NoReturn:
        async with self.folders.open(watch.mailbox, watch.folder) as session:
            changed = True
            while True:
                await self.catch_up(watch.mailbox, watch.folder, session)
                state.caught_up()
                changed = await session.changed(self.look_again if changed else self.look_every)
                state.failures = 0  # not sooner, or a server that drops us at once is called on hot


@dataclass(slots=True)
class _State:
    """How the watch of a folder fares: *said* is the trouble that was told, so as to tell it once.

    *failures* counts those in a row.
    """

    log: FilteringBoundLogger
    failures: int = 0
    said: str = ""

    def caught_up(self) -> None:
        if self.said:
            self.log.info("mailbox reachable again")
            self.said = ""

    def failed(self, failure: Failure, policy: RetryPolicy) -> timedelta:
        """Note the failure, and return how long to wait."""
        self.failures += 1
        refused = isinstance(failure, AccessFailed)
        event = "mailbox access failed" if refused else "mailbox unreachable"
        if self.said != event:
            self.log.warning(event, reason=failure.reason)
            self.said = event
        return policy.access_pause if refused else policy.backoff(self.failures)

    def crashed(self, error: Exception, policy: RetryPolicy) -> timedelta:
        """Note a bug, and return how long to wait."""
        self.failures += 1
        self.log.error("listener crashed", **error_fields(error))
        self.said = "listener crashed"
        return policy.backoff(self.failures)


def _watches(mailboxes: Sequence[Mailbox]) -> set[Watch]:
    return {
        Watch(mailbox, folder)
        for mailbox in mailboxes
        if isinstance(mailbox.account, ImapAccount) and not mailbox.paused
        for folder in mailbox.account.folders
    }


def _bound(watch: Watch) -> FilteringBoundLogger:
    mailbox = watch.mailbox
    return log.bind(
        tenant=mailbox.tenant,
        mailbox=mailbox.id,
        provider=mailbox.provider,
        folder=watch.folder,
    )
