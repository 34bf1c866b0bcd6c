"""Simulated processes, as the real supervisor sees its children."""

import asyncio
from dataclasses import dataclass, field
from itertools import count

from postroom.entrypoints.supervisor import Child
from tests.simulation.process import Process
from tests.simulation.trace import Trace

WELL_ENDED = "processes end well"

KILLED = -9

LONGEST_STOP = 60.0
"""Seconds that a process has to stop, and more: one that was stalled meanwhile could not."""

_pids = count(1)


@dataclass(eq=False)
class Running(Child):
    """A process between its start and its end. *code* is how it ended."""

    process: Process
    trace: Trace
    code: "asyncio.Future[int]"
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        return next(_pids)

    @property
    def returncode(self) -> int | None:
        return self.code.result() if self.code.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self.code)

    def terminate(self) -> None:
        self.stop.set()

    def kill(self) -> None:
        since = asyncio.get_running_loop().time() - LONGEST_STOP
        if self.process.stalled_since(since) <= 0:
            self.trace.violate(WELL_ENDED, f"{self.process.name} did not stop when told to")
        self.process.kill()

    def end(self, how: int) -> None:
        if not self.code.done():
            self.code.set_result(how)
            self.trace.log("ENDED", part=self.process.name, exit_code=how)
