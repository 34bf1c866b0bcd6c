"""One run of a plan: the world, Postroom in it, the faults, and what came of it."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from postroom.entrypoints.telemetry.sdk import Telemetry
from postroom.entrypoints.telemetry.tracing import DrawnIds, Spans
from tests.simulation import rules
from tests.simulation.clocks import TrueClock
from tests.simulation.loop import SimulatedLoop
from tests.simulation.plan import HOUR, Fault, Kind, Plan
from tests.simulation.process import name_of
from tests.simulation.providers import Outside
from tests.simulation.providers.memory import InMemoryOutside
from tests.simulation.providers.wire import OnTheWire
from tests.simulation.rules import states
from tests.simulation.service import Service
from tests.simulation.supervision import WELL_ENDED
from tests.simulation.threads import submit_blocking
from tests.simulation.trace import UNFORESEEN, Trace, captured
from tests.simulation.weather import Weather
from tests.simulation.world import World

LEAST_QUIET = 1000.0
"""Seconds after the last fault in which each folder is synced once more."""

CHECK_EVERY, CHECK_SELDOM = 60.0, 1800.0
"""Seconds between two looks whether all is well; seldom when that takes more than an hour."""


@dataclass
class Report:
    plan: Plan
    trace: Trace = field(default_factory=Trace)
    hours: float = 0.0

    @property
    def broken(self) -> set[str]:
        """The rules that were."""
        return self.trace.rules


def run(plan: Plan, telemetry: Telemetry, *, hurried: bool = False) -> Report:
    """All in it is drawn from the plan's seed, and so is the report.

    One that is *hurried* ends at once where a rule is broken, whatever else would come of it.
    """
    report = Report(plan)
    loop = SimulatedLoop(Random(plan.seed))
    loop.set_exception_handler(lambda _, context: _unhandled(report.trace, context))
    with _undisturbed(), captured(report.trace):
        try:
            loop.run_until_complete(_play(plan, report.trace, telemetry, hurried=hurried))
            report.hours = loop.time() / HOUR
        finally:
            for task in asyncio.all_tasks(loop):  # whoever left one has been told
                task._log_destroy_pending = False  # type: ignore[attr-defined]
            loop.close()
    return report


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage is collected: what is finalised would depend on when. No thread is started."""
    submit, asyncio.run_coroutine_threadsafe = asyncio.run_coroutine_threadsafe, submit_blocking  # type: ignore[assignment]
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        asyncio.run_coroutine_threadsafe = submit


async def _play(plan: Plan, trace: Trace, telemetry: Telemetry, *, hurried: bool) -> None:
    random, weather = Random(plan.seed + 1), Weather(plan.faults)
    async with AsyncExitStack() as resources:
        outside = _outside(plan, weather)
        world = World(plan, random, weather, trace, outside)
        service = Service(world, replace(telemetry, spans=Spans(None, DrawnIds(random))))
        await outside.open(resources, service.answer)
        await world.open_mailboxes()
        stop = asyncio.Event()
        up = asyncio.create_task(service.run(stop))
        happening = [asyncio.create_task(_strike(world, service, each)) for each in plan.faults]
        happening.append(asyncio.create_task(_deliver_all(world, service)))
        await _until_well(world, hurried=hurried)
        over = [task for task in happening if task.done() or not task.cancel()]
        await asyncio.gather(*over)  # an error in what we do ourselves ends the run
        trace.violations += await rules.all_at_the_end(world)
        await _stop(stop, up, trace)


def _outside(plan: Plan, weather: Weather) -> Outside:
    clock = TrueClock()
    return OnTheWire(clock, weather) if plan.on_the_wire else InMemoryOutside(clock)


async def _deliver_all(world: World, service: Service) -> None:
    async with asyncio.TaskGroup() as sent:
        for mail in world.plan.mails:
            await _until(mail.at)
            sent.create_task(world.deliver(mail, service.post))


async def _until_well(world: World, *, hurried: bool) -> None:
    """Until nothing is open any more, and a quiet time has passed in which all was looked at."""
    loop, plan = asyncio.get_running_loop(), world.plan
    quiet_at = plan.calm_at + LEAST_QUIET
    while (now := loop.time()) < plan.ends:
        if hurried and world.trace.violations:
            return
        if now >= quiet_at and not await rules.open_ends(world):
            return
        await asyncio.sleep(CHECK_EVERY if now < quiet_at + HOUR else CHECK_SELDOM)


async def _stop(stop: asyncio.Event, up: asyncio.Task[None], trace: Trace) -> None:
    stop.set()
    await asyncio.wait({up}, timeout=60)
    if not up.done():
        trace.violate(WELL_ENDED, "Postroom did not stop")


async def _strike(world: World, service: Service, fault: Fault) -> None:
    if fault.kind in (Kind.LOSES_THE_LAST, Kind.RESTORED):
        is_taken_over = fault.kind is Kind.LOSES_THE_LAST
        await world.stores.lose_the_last(
            fault.degree, until=fault.begins, is_taken_over=is_taken_over
        )
    await _until(fault.begins)
    world.trace.log("FAULT", what=fault)
    await world.strike(fault)
    service.strike(fault)
    if fault.kind in (Kind.REMOVED, Kind.PAUSED):
        await service.operate(fault)
    if fault.kind is Kind.UPGRADES:
        await service.upgrade(fault)
    if not fault.lasts:
        return
    if states.must_be_told(fault):
        await _until(min(fault.ends, world.plan.ends) - 1)
        world.trace.violations += states.silent_victims(world, fault)
    await _until(fault.ends)
    world.lift(fault)
    world.trace.log("OVER", what=fault)


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))


def _unhandled(trace: Trace, context: dict[str, Any]) -> None:
    task = context.get("task") or context.get("future")
    what = name_of(task) if isinstance(task, asyncio.Task) else ""
    error = context.get("exception")
    trace.violate(UNFORESEEN, f"{context['message']} {what} {error or ''}")
