"""Keeps the mail coming: works through the receptions that are due, and sweeps up orphans.

Any number of these may run: a reception that one has taken, no other gets.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

import structlog

from postroom.application.keep_receiving import LONGEST_ROUND, Kept
from postroom.application.ports import Clock, Receptions
from postroom.domain.failure import Failure
from postroom.domain.reception import Reception
from postroom.entrypoints.cancelling import cancel
from postroom.entrypoints.telemetry.privacy import tell_error

log = structlog.get_logger()

HOLD = LONGEST_ROUND + timedelta(seconds=30)
"""How long a reception is ours. If we die, it is free again then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Works on *concurrency* receptions at a time.

    *ask_every* is how often the receptions are asked for that are due, and *sweep_every* how often
    orphans are looked for.
    """

    receptions: Receptions
    keep: Callable[[Reception], Awaitable[Kept]]
    remove_orphans: Callable[[], Awaitable[int]]
    clock: Clock
    concurrency: int = 8
    ask_every: timedelta = timedelta(seconds=2)
    sweep_every: timedelta = timedelta(hours=1)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop*. A round that is cut off then is made again when its hold has ended."""
        log.info("maintenance started")
        shift = _Shift(self)
        tasks = [
            asyncio.create_task(shift.work()),
            asyncio.create_task(shift.sweep()),
            asyncio.create_task(stop.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await cancel([*tasks, *shift.rounds])
            log.info("maintenance stopped")


@dataclass(slots=True)
class _Shift:
    """What is in hand between a start and a stop. *away* says that the database is unreachable."""

    maintenance: Maintenance
    rounds: set[asyncio.Task[Any]] = field(default_factory=set)
    away: bool = False

    async def work(self) -> NoReturn:
        maintenance = self.maintenance
        while True:
            room = maintenance.concurrency - len(self.rounds)
            taken = await self._take(maintenance.clock.now(), room) if room else []
            for reception in taken:
                task = asyncio.create_task(self._round(reception))
                self.rounds.add(task)
                task.add_done_callback(self.rounds.discard)
            if len(taken) < room:
                await maintenance.clock.sleep(maintenance.ask_every)
            else:
                await asyncio.wait(self.rounds, return_when=asyncio.FIRST_COMPLETED)

    async def sweep(self) -> NoReturn:
        while True:
            try:
                if count := await self.maintenance.remove_orphans():
                    log.info("orphaned subscriptions removed", count=count)
            except Failure as failure:
                log.warning("orphans not looked for", reason=failure.reason)
            except Exception as error:  # noqa: BLE001 - the mail comes on without it
                log.error("sweep crashed", **tell_error(error))  # noqa: TRY400
            await self.maintenance.clock.sleep(self.maintenance.sweep_every)

    async def _take(self, now: datetime, room: int) -> list[Reception]:
        try:
            taken = list(await self.maintenance.receptions.take_due(now, room, HOLD))
        except Failure as failure:
            self._out_of_reach(failure)
            return []
        if self.away:
            log.info("database reachable again")
        self.away = False
        return taken

    def _out_of_reach(self, failure: Failure) -> None:
        if not self.away:
            log.error("database unreachable", reason=failure.reason)
        self.away = True

    async def _round(self, reception: Reception) -> None:
        """One round. After an error that nobody foresaw the reception is free again after HOLD."""
        names = {"tenant": reception.tenant, "mailbox": reception.mailbox}
        try:
            await self.maintenance.keep(reception)
        except Failure as failure:
            log.warning("round not recorded", **names, reason=failure.reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            log.error("round crashed", **names, **tell_error(error))  # noqa: TRY400
