"""Maintains the folders: works through the syncs that are due, and removes what is left over.

Any number of these may run: a folder that one has claimed, no other gets.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

import structlog

from postroom.application.maintain_folder import LEASE, Maintain
from postroom.application.ports import Clock, FolderSyncs
from postroom.domain.failure import Failure
from postroom.domain.folder_sync import FolderSync
from postroom.entrypoints.slots import LOOK_AGAIN, Slots, nobody_waits
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

Sweep = Callable[[], Awaitable[int]]
"""Returns how many were removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Works on *concurrency* folders at a time; for *waiting* see `Slots`.

    *poll_every* is how often it looks for syncs that are due, and *sweep_every* for subscriptions
    and blobs that nobody knows of any more, and for handovers whose retention has ended: those of
    events are swept by themselves.
    """

    folder_syncs: FolderSyncs
    maintain: Maintain
    remove_orphans: Sweep
    sweep_blobs: Sweep
    expire_handovers: Sweep
    expire_events: Sweep
    clock: Clock
    waiting: Callable[[timedelta], int] = nobody_waits
    concurrency: int = 16
    poll_every: timedelta = timedelta(seconds=2)
    sweep_every: timedelta = timedelta(hours=1)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop*. A run that is cut off then is made again when its lease has ended."""
        log.info("maintenance started")
        work = _Work(self, Slots(self.concurrency, self.waiting))
        tasks = [
            asyncio.create_task(work.sync()),
            asyncio.create_task(work.sweep("orphaned subscriptions", self.remove_orphans)),
            asyncio.create_task(work.sweep("expired handovers", self.expire_handovers)),
            asyncio.create_task(work.sweep("expired events", self.expire_events)),
            asyncio.create_task(work.sweep("unused blobs", self.sweep_blobs)),
            asyncio.create_task(stop.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await cancel([*tasks, *work.runs])
            log.info("maintenance stopped")


@dataclass(slots=True)
class _Work:
    """What is in hand between a start and a stop. *away* says that the database is unreachable."""

    maintenance: Maintenance
    slots: Slots
    runs: set[asyncio.Task[Any]] = field(default_factory=set)
    away: bool = False

    async def sync(self) -> NoReturn:
        maintenance = self.maintenance
        while True:
            room = max(self.slots.free(len(self.runs)), 0)
            claimed = await self._claim(maintenance.clock.now(), room) if room else []
            for folder_sync in claimed:
                task = asyncio.create_task(self._run(folder_sync))
                self.runs.add(task)
                task.add_done_callback(self.runs.discard)
            if len(claimed) < room:
                await maintenance.clock.sleep(maintenance.poll_every)
            else:
                first = asyncio.FIRST_COMPLETED
                await asyncio.wait(self.runs, timeout=LOOK_AGAIN, return_when=first)

    async def sweep(self, what: str, remove: Sweep) -> NoReturn:
        removed, failed = f"{what} removed", f"{what} not looked for"
        while True:
            try:
                if count := await remove():
                    log.info(removed, count=count)
            except Failure as failure:
                log.warning(failed, reason=failure.reason)
            except Exception as error:  # noqa: BLE001 - the mail comes on without it
                log.error("sweep crashed", **error_fields(error))  # noqa: TRY400
            await self.maintenance.clock.sleep(self.maintenance.sweep_every)

    async def _claim(self, now: datetime, room: int) -> list[FolderSync]:
        try:
            claimed = list(await self.maintenance.folder_syncs.claim_due(now, room, LEASE))
        except Failure as failure:
            self._out_of_reach(failure)
            return []
        if self.away:
            log.info("database reachable again")
        self.away = False
        return claimed

    def _out_of_reach(self, failure: Failure) -> None:
        if not self.away:
            log.error("database unreachable", reason=failure.reason)
        self.away = True

    async def _run(self, folder_sync: FolderSync) -> None:
        """One run. After an error that nobody foresaw the folder is free again after LEASE."""
        names = {"tenant": folder_sync.tenant, "mailbox": folder_sync.mailbox}
        try:
            await self.maintenance.maintain(folder_sync)
        except Failure as failure:
            log.warning("sync not recorded", **names, reason=failure.reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            log.error("sync crashed", **names, **error_fields(error))  # noqa: TRY400
