"""Applications that are handed messages, in memory and in virtual time: no test waits for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import wraps
from inspect import Signature, signature
from random import Random
from typing import Any, Concatenate, ParamSpec

from postroom.adapters.memory.application_caller import InMemoryApplicationCaller
from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.application.accept_handover import CopyEvents
from postroom.application.fall_back import FallBack, FallbackEvents
from postroom.application.hand_over import Callers, HandOver, HandoverEvents
from postroom.application.ports import Answered, Claimed, Settled
from postroom.domain.failure import StoreUnavailable, Unavailable
from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover
from postroom.domain.handover.health import Health
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.dispatcher import Dispatcher
from tests.contracts.handing_over import CRM, new_handover
from tests.simulation.clocks import TrueClock
from tests.simulation.loop import SimulatedLoop

P = ParamSpec("P")

AWAY = StoreUnavailable("the database is away")


def in_virtual_time(
    test: Callable[Concatenate["Rig", P], Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """A test that runs with a rig of its own, on a loop in which time leaps."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=lambda: SimulatedLoop(Random(1))) as runner:
            runner.run(test(Rig(), *args, **kwargs))

    _, *others = signature(test).parameters.values()  # pytest would take the rig for a fixture
    run.__signature__ = Signature(others)  # type: ignore[attr-defined]
    return run


class FragileHandovers(InMemoryHandovers):
    """Cannot be used while it *is_away*, and takes *slowness* seconds for each claim and settle."""

    is_away = False
    slowness = 0.0
    settles = 0
    claims = 0

    async def due(self) -> Sequence[tuple[str, str]]:
        await self._reach()
        return await super().due()

    async def claim(self, application: Application, limit: int) -> Claimed:
        await self._reach()
        self.claims += 1
        claimed = await super().claim(application, limit)
        await asyncio.sleep(self.slowness)
        return claimed

    async def settle(
        self, application: Application, answers: Sequence[Answered], *, draw: float
    ) -> Settled:
        self.settles += 1
        await self._reach()
        await asyncio.sleep(self.slowness)
        return await super().settle(application, answers, draw=draw)

    async def health(self, application: Application) -> Any:  # noqa: ANN401 - as the port says
        await self._reach()
        return await super().health(application)

    async def _reach(self) -> None:
        if self.is_away:
            raise AWAY


@dataclass
class HeardEvents(HandoverEvents, FallbackEvents, CopyEvents):
    calls: list[tuple[Answer, float]] = field(default_factory=list)
    others: list[Handover] = field(default_factory=list)
    settlements: list[Settled] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)

    def called(self, answered: Answered, seconds: float) -> None:
        self.calls.append((answered.answer, seconds))

    def claimed(self, claimed: Claimed) -> None:
        self.others += claimed.others

    def settled(self, _application: Application, settled: Settled) -> None:
        self.settlements.append(settled)

    def unsettled(self, _application: Application, count: int, _failure: Unavailable) -> None:
        self.lost.append(count)

    def left_out(self, copy: str, _mailbox: Mailbox, reason: str) -> None:
        self.left.append((copy, reason))

    def no_fallback(self, _application: Application, reason: str) -> None:
        self.obstacles.append(reason)


@dataclass
class Rig:
    database: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    clock: TrueClock = field(default_factory=TrueClock)
    caller: InMemoryApplicationCaller = field(default_factory=InMemoryApplicationCaller)
    events: HeardEvents = field(default_factory=HeardEvents)

    def __post_init__(self) -> None:
        self.handovers = FragileHandovers(self.database, self.clock)
        self.applications = InMemoryApplications(self.database)
        callers = Callers({"https": self.caller})
        fall_back = FallBack(self.applications, self.handovers, self.events)
        self.hand_over = HandOver(self.handovers, callers, self.events, fall_back, draw=lambda: 0.0)
        self.dispatcher = Dispatcher(
            handovers=self.handovers, applications=self.applications, hand_over=self.hand_over
        )

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def poll_every(self, interval: timedelta) -> None:
        self.dispatcher = replace(self.dispatcher, poll_every=interval)

    async def add(self, *applications: Application) -> None:
        for each in applications:
            await self.applications.add(each)

    async def accept(self, *keys: str, to: Application = CRM) -> None:
        for key in keys:
            await self.handovers.accept(to, new_handover(key, self.clock.now(), to))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Run"]:
        """With a dispatcher, which is stopped at the end."""
        stop = asyncio.Event()
        run = Run(stop, asyncio.create_task(self.dispatcher.run(stop)))
        try:
            yield run
        finally:
            await run.end()

    def handover(self, key: str, of: Application = CRM) -> Handover:
        return self.database.read("acme").handovers[of.name, key].handover

    def state(self, key: str, of: Application = CRM) -> str:
        return self.handover(key, of).state.value

    def health(self, of: Application = CRM) -> Health:
        return self.database.read(of.tenant).standings[of.name].health

    def effects(self, of: Application = CRM) -> list[str]:
        return self.caller.effects[of.tenant, of.name]

    def count(self, key: str) -> int:
        """How many calls of *key* were begun."""
        return sum(call.handover.key == key for _, call in self.caller.calls)


@dataclass
class Run:
    stop: asyncio.Event
    task: "asyncio.Task[None]"

    async def end(self) -> None:
        self.stop.set()
        await self.task


def at(seconds: float, action: Callable[[], Any]) -> None:
    """Do it so many seconds from now."""
    asyncio.get_running_loop().call_later(seconds, action)


def later(seconds: float, action: Callable[[], Awaitable[Any]]) -> "asyncio.Task[Any]":
    async def act() -> None:
        await asyncio.sleep(seconds)
        await action()

    return asyncio.create_task(act())
