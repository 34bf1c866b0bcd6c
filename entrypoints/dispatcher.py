"""Hands over what is due: each application has calls, claims and waits of its own.

An application that hangs holds its own calls, and nobody's connection to the database. Any number
of dispatchers may run: the store gives each handover to one of them, and bounds the calls of an
application over them all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from postroom.application.hand_over import HandOver
from postroom.application.ports import Answered, Applications, Call, Handovers
from postroom.domain.failure import AccessFailed, Failure, Unavailable
from postroom.domain.handover.answer import Failed
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import MARGIN
from postroom.entrypoints.outage import Outage
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

POLL_EVERY = timedelta(seconds=1)
"""How often is looked what is due. What this process itself has accepted need not wait for that."""

LOADED_FOR = 5.0
"""Seconds for which the settings of an application are used before they are read again."""

STORED_WITHIN = 2.0
"""Seconds that a stop waits for a claim that is on its way, and for answers to be stored."""

Owned = tuple[str, str]
"""Owner and name of an application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """When it is stopped, it gives its calls *grace*; those that last longer are made again."""

    handovers: Handovers
    applications: Applications
    hand_over: HandOver
    poll_every: timedelta = POLL_EVERY
    grace: timedelta = timedelta(seconds=25)
    _due: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)

    def wake(self) -> None:
        """Something was accepted by this process: look now."""
        self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Hand over until *stop*, whatever happens to a call, or to the store."""
        lanes: dict[Owned, _Lane] = {}
        polling = asyncio.create_task(self._poll(lanes))
        try:
            await stop.wait()
        finally:
            await cancel([polling])
            await asyncio.gather(*(lane.stop(self.grace) for lane in lanes.values()))

    async def _poll(self, lanes: dict[Owned, "_Lane"]) -> None:
        outage = Outage("database")
        while True:
            self._due.clear()
            try:
                due = await self.handovers.due()
            except Unavailable as failure:
                await outage.sit_out(failure)
                continue
            except Exception as error:  # noqa: BLE001 - what is due would never be looked at again
                log.error("dispatcher crashed", **error_fields(error))  # noqa: TRY400
                due = []
            outage.is_over()
            for owned in due:
                if owned not in lanes:
                    lanes[owned] = _Lane(self, *owned)
                lanes[owned].wake()
            await self._until_due()

    async def _until_due(self) -> None:
        try:
            async with asyncio.timeout(self.poll_every.total_seconds()):
                await self._due.wait()
        except TimeoutError:
            pass


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls that one claim has begun. *lease_ends* by the clock of the loop, or a moment later."""

    application: Application
    calls: Sequence[Call]
    lease_ends: float


class _Lane:
    """The calls of one application, in this process."""

    def __init__(self, dispatcher: Dispatcher, owner: str, name: str) -> None:
        self._dispatcher = dispatcher
        self._hand_over = dispatcher.hand_over
        self._owner, self._name = owner, name
        self._loaded: tuple[float, Application | None] | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._in_flight = 0
        self._answers: list[tuple[_Calls, Answered]] = []
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._is_stopping = False
        self._tasks = [
            asyncio.create_task(self._forever(self._claim_when_due, lambda: self._is_stopping)),
            asyncio.create_task(self._forever(self._settle_when_answered, self._is_settled)),
        ]

    def wake(self) -> None:
        self._wake.set()

    async def stop(self, grace: timedelta) -> None:
        """Let the calls end, for as long as that, and store what was answered.

        A claim that is on its way ends too: its calls would else be of unknown end, and never made.
        """
        claiming, settling = self._tasks
        self._is_stopping = True
        self._wake.set()
        await asyncio.wait([claiming], timeout=STORED_WITHIN)
        await cancel([claiming])
        if self._calls:
            await asyncio.wait(self._calls, timeout=grace.total_seconds())
        await cancel(self._calls)
        self._answered.set()
        await asyncio.wait([settling], timeout=STORED_WITHIN)
        await cancel([settling])

    def _is_settled(self) -> bool:
        return self._is_stopping and not self._calls and not self._answers

    async def _forever(
        self, step: Callable[[], Awaitable[None]], is_over: Callable[[], bool]
    ) -> None:
        outage = Outage("database")
        while not is_over():
            try:
                await step()
                outage.is_over()
            except Unavailable as failure:
                await outage.sit_out(failure)
            except Exception as error:  # noqa: BLE001 - the other applications go on, and so does it
                log.error("handover crashed", application=self._name, **error_fields(error))  # noqa: TRY400
                await asyncio.sleep(1)

    async def _claim_when_due(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        application = await self._application()
        if self._is_stopping or application is None or not application.is_called:
            return
        if (free := application.in_flight - self._in_flight) > 0:
            await self._claim(application, free)

    async def _claim(self, application: Application, free: int) -> None:
        lease = application.timeout + MARGIN
        lease_ends = asyncio.get_running_loop().time() + lease.total_seconds()
        claimed = await self._hand_over.claim(application, free)
        self._in_flight += len(claimed.calls)
        size = self._hand_over.batch(application)
        for at in range(0, len(claimed.calls), size):
            calls = _Calls(application, claimed.calls[at : at + size], lease_ends)
            self._start(self._call(calls))
        if claimed.ping:
            self._start(self._ping(application, claimed.ping))
        if claimed.others or len(claimed.calls) == free:
            self.wake()  # there may be more

    def _start(self, call: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, calls: _Calls) -> None:
        try:
            answered = await self._hand_over.call(calls.application, calls.calls)
        except Exception as error:  # noqa: BLE001 - a bug, which is charged to whoever meets it
            log.error("call crashed", application=self._name, **error_fields(error))  # noqa: TRY400
            crash = Failed(reason=f"a fault of our own: {type(error).__name__}", sure=False)
            answered = [Answered(each.handover, crash) for each in calls.calls]
        self._answers += [(calls, each) for each in answered]
        self._answered.set()

    async def _ping(self, application: Application, began: datetime) -> None:
        try:
            await self._hand_over.ping(application, began)
        except Failure as failure:
            log.warning("ping failed", application=self._name, reason=failure.reason)
        self.wake()

    async def _settle_when_answered(self) -> None:
        await self._answered.wait()
        self._answered.clear()
        if self._answers:
            await self._settle()

    async def _settle(self) -> None:
        """All that was answered by now, in one transaction.

        By the settings that the last of them was called with: they may be gone by now.
        """
        answers, self._answers = self._answers, []
        lease_ends = max(calls.lease_ends for calls, _ in answers)
        try:
            await self._hand_over.settle(
                answers[-1][0].application, [each for _, each in answers], lease_ends=lease_ends
            )
        finally:
            self._in_flight -= len(answers)
            self.wake()

    async def _application(self) -> Application | None:
        """As it was set some seconds ago at most; None if it was removed, or cannot be read."""
        now = asyncio.get_running_loop().time()
        if self._loaded is None or now - self._loaded[0] > LOADED_FOR:
            self._loaded = now, await self._read()
        return self._loaded[1]

    async def _read(self) -> Application | None:
        try:
            return await self._dispatcher.applications.owned(self._owner, self._name)
        except AccessFailed as failure:
            log.error("application unreadable", application=self._name, reason=failure.reason)  # noqa: TRY400
            return None
