"""Hands over what is due: each application has calls, claims and waits of its own.

An application that hangs holds its own calls, and nobody's connection to the database. Any number
of dispatchers may run: the store gives each handover to one of them, and bounds the calls of an
application over them all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from postroom.application.hand_over import HandOver
from postroom.application.ports import Answered, Applications, Call, Handovers
from postroom.domain.failure import AccessFailed, Failure, Unavailable
from postroom.domain.handover.application import Application
from postroom.entrypoints.outage import Outage
from postroom.entrypoints.tasks import cancel
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

POLL_EVERY = timedelta(seconds=1)
"""How often is looked what is due. What this process itself has accepted need not wait for that."""

LOADED_FOR = 5.0
"""Seconds for which the settings of an application are used before they are read again."""

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


class _Lane:
    """The calls of one application, in this process."""

    def __init__(self, dispatcher: Dispatcher, owner: str, name: str) -> None:
        self._dispatcher = dispatcher
        self._hand_over = dispatcher.hand_over
        self._owner, self._name = owner, name
        self._loaded: tuple[float, Application | None] | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._in_flight = 0
        self._answers: list[tuple[float, Answered]] = []
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._forever(self._claim_when_due)),
            asyncio.create_task(self._forever(self._settle_when_answered)),
        ]

    def wake(self) -> None:
        self._wake.set()

    async def stop(self, grace: timedelta) -> None:
        """Let the calls end, for as long as that, and settle those that have."""
        claiming, settling = self._tasks
        await cancel([claiming])
        if self._calls:
            await asyncio.wait(self._calls, timeout=grace.total_seconds())
        await cancel([*self._calls, settling])
        if self._answers and (application := await self._application()):
            await self._settle(application)

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        outage = Outage("database")
        while True:
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
        if application is None:
            return
        if (free := application.in_flight - self._in_flight) > 0:
            await self._claim(application, free)

    async def _claim(self, application: Application, free: int) -> None:
        claimed = await self._hand_over.claim(application, free)
        size = self._hand_over.batch(application)
        for at in range(0, len(claimed.calls), size):
            self._start(self._call(application, claimed.calls[at : at + size]))
        if claimed.ping:
            self._start(self._ping(application))
        if claimed.others or len(claimed.calls) == free:
            self.wake()  # there may be more

    def _start(self, call: Awaitable[None]) -> None:
        task = asyncio.ensure_future(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, application: Application, calls: Sequence[Call]) -> None:
        self._in_flight += len(calls)
        try:
            answered = await self._hand_over.call(application, calls)
        except Exception as error:  # noqa: BLE001 - a bug: the lease runs out, and it is made again
            log.error("call crashed", application=self._name, **error_fields(error))  # noqa: TRY400
            self._in_flight -= len(calls)
            return
        except asyncio.CancelledError:
            self._in_flight -= len(calls)
            raise
        now = asyncio.get_running_loop().time()
        self._answers += [(now, each) for each in answered]
        self._answered.set()

    async def _ping(self, application: Application) -> None:
        try:
            await self._hand_over.ping(application)
        except Failure as failure:
            log.warning("ping failed", application=self._name, reason=failure.reason)
        self.wake()

    async def _settle_when_answered(self) -> None:
        await self._answered.wait()
        self._answered.clear()
        if application := await self._application():
            await self._settle(application)

    async def _settle(self, application: Application) -> None:
        """All that was answered by now, in one transaction."""
        answers, self._answers = self._answers, []
        if not answers:
            return
        try:
            await self._hand_over.settle(
                application, [each for _, each in answers], answered_at=answers[0][0]
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
            self._log_unreadable(failure)
            return None

    def _log_unreadable(self, failure: AccessFailed) -> None:
        log.error("application unreadable", application=self._name, reason=failure.reason)
