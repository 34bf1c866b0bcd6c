"""Postroom's processes: the real drivers, started and stopped as under `postroom up`.

Not real are the adapters of its stores, and the HTTP server: the ASGI application is called.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random

from litestar import Litestar

from postroom.domain.mailbox import Pause, PausedBy
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.container.wired import Wired
from postroom.entrypoints.run import (
    Driver,
    after_stores,
    run_listener,
    run_maintenance,
    run_worker,
    services_of,
)
from postroom.entrypoints.supervisor import PartFailed, Supervisor
from postroom.entrypoints.telemetry.sdk import Telemetry
from tests.simulation.alone import InChildProcess
from tests.simulation.arrivals import Notice
from tests.simulation.asgi import Answer, call
from tests.simulation.mailboxes import PARTS
from tests.simulation.plan import CALLING, Fault, Kind
from tests.simulation.process import Process, name_of
from tests.simulation.supervision import KILLED, WELL_ENDED, Running
from tests.simulation.wiring import SETTINGS, wire
from tests.simulation.world import World

ANSWER_WITHIN = 10.0
"""Seconds that a provider waits for its notice to be taken."""

REPAIRED_AFTER = 600.0
"""Seconds after which somebody starts Postroom again that has given itself up."""

STAYS_UP = "Postroom stays up"
ANSWERED = "notices are answered"


@dataclass(eq=False)
class Service:
    world: World
    telemetry: Telemetry
    running: dict[str, Running] = field(default_factory=dict)
    apps: dict[Process, Litestar] = field(default_factory=dict)
    releases: Counter[str] = field(default_factory=Counter)
    """Of Postroom, that each part runs."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until *stop*, as under `postroom up`."""
        world = self.world
        while not stop.is_set():
            try:
                await Supervisor(PARTS, self.start).run(stop)
            except PartFailed as failure:
                world.was_down = True
                world.trace.violate(STAYS_UP, str(failure))
                with suppress(TimeoutError):
                    async with asyncio.timeout(REPAIRED_AFTER):
                        await stop.wait()

    # --- From outside ---

    async def post(self, notice: Notice) -> bool:
        """Whether the API took it."""
        answer = await self.answer("POST", notice)
        return answer is not None and 200 <= answer.status < 300

    async def answer(self, method: str, notice: Notice) -> Answer | None:
        """What the API answers; None if there is none, or not in time."""
        running = self.running.get("api")
        app = self.apps.get(running.process) if running else None
        if running is None or app is None:
            return None
        headers = {"content-type": "application/json", **notice.headers}
        answering = running.process.spawn(
            call(app, method, notice.path.encode(), headers=headers, body=notice.body)
        )
        answering.add_done_callback(lambda task: task.cancelled() or task.exception())
        waiting = {answering, running.code}
        await asyncio.wait(waiting, timeout=ANSWER_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()  # the connection is closed
            if not running.process.dead:
                late = f"{notice.path}: not in {ANSWER_WITHIN:.0f} s"
                self.world.trace.violate(ANSWERED, late)
            return None
        return None if answering.exception() else answering.result()

    def strike(self, fault: Fault) -> None:
        if not (running := self.running.get(fault.target)):
            return
        match fault.kind:
            case Kind.CRASHES:
                running.process.steps = max(1, int(fault.degree))  # in the midst of work
            case Kind.STALLS if fault.form == CALLING:
                running.process.stalls_calling = max(1, int(fault.degree)), fault.ends
            case Kind.STALLS:
                running.process.stalls_after = max(1, int(fault.degree)), fault.ends
            case Kind.RESTARTS:
                running.stop.set()
            case _:
                pass

    async def upgrade(self, fault: Fault) -> None:
        for part in Random(self.world.plan.seed).sample(PARTS, len(PARTS)):
            self.releases[part] += 1
            if running := self.running.get(part):
                running.stop.set()
            await asyncio.sleep(fault.degree)

    async def operate(self, fault: Fault) -> None:
        """What a person does at the command line, again if that fails."""
        process = Process("cli", lambda: None)
        while True:
            done = process.spawn(self._operate(process, fault))
            await asyncio.wait({done})
            if done.exception() is None:
                return
            await asyncio.sleep(30)

    async def _operate(self, process: Process, fault: Fault) -> None:
        world, mailbox = self.world, self.world.mailboxes[fault.target]
        async with AsyncExitStack() as resources:
            wired = await self._wire(process, resources)
            if fault.kind is Kind.REMOVED:
                world.removed.add(fault.target)
                await wired.remove(mailbox.tenant, mailbox.id)
            else:
                now = world.clock.now()
                pause = Pause(PausedBy.OPERATOR, "a person", now)
                await wired.registry.pause(mailbox.tenant, mailbox.id, pause)
                await asyncio.sleep(max(0.0, fault.ends - asyncio.get_running_loop().time()))
                await wired.resume(mailbox.tenant, mailbox.id)

    # --- One process ---

    async def start(self, part: str) -> Running:
        faults = [fault for fault in self.world.plan.faults if fault.target == part]
        skew = sum(each.degree for each in faults if each.kind is Kind.SKEWED)
        code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        release, skewed = self.releases[part], timedelta(seconds=skew)
        process = Process(part, lambda: running.end(KILLED), skewed, release)
        running = self.running[part] = Running(process, self.world.trace, code)
        self.world.trace.log("STARTED", part=part)
        main = process.spawn(self._main(running))
        main.add_done_callback(partial(self._returned, running))
        return running

    def _returned(self, running: Running, main: "asyncio.Task[None]") -> None:
        process, trace = running.process, self.world.trace
        self.apps.pop(process, None)
        if not main.cancelled() and (error := main.exception()):
            trace.violate(WELL_ENDED, f"{process.name} ended of {error!r}")
        if left := [task for task in process.unfinished if task is not main]:
            names = sorted({name_of(task) for task in left})
            trace.violate(WELL_ENDED, f"{process.name} left tasks behind: {names}")
        process.dead = True
        running.end(0)

    async def _main(self, running: Running) -> None:
        async with AsyncExitStack() as resources:
            wired = await self._wire(running.process, resources)
            match running.process.name:
                case "api":
                    await self._serve(running, wired)
                case part:
                    driver = self._driver(part, running.process)
                    await after_stores(driver)(wired, SETTINGS, running.stop)

    def _driver(self, part: str, process: Process) -> Driver:
        drivers: dict[str, Driver] = {"maintenance": run_maintenance, "listener": run_listener}
        isolate = InChildProcess(process, self._wire)
        return drivers.get(part) or partial(run_worker, isolate=isolate)

    async def _wire(self, process: Process, resources: AsyncExitStack) -> Wired:
        return await wire(self.world, process, resources, telemetry=self.telemetry)

    async def _serve(self, running: Running, wired: Wired) -> None:
        """What is being answered at the end is answered, as by a real server."""
        process = running.process
        self.apps[process] = create_app(services_of(wired, SETTINGS))
        await running.stop.wait()
        del self.apps[process]
        if left := [task for task in process.unfinished if task is not asyncio.current_task()]:
            await asyncio.wait(left, timeout=ANSWER_WITHIN)
