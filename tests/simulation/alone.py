"""A process for one claim, as `entrypoints/isolation.py` starts one."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from postroom.application.ports import Claim
from postroom.application.run_suspect import Isolation, ProcessDied
from postroom.domain.failure import StoreUnavailable
from postroom.entrypoints.container.wired import Wired
from postroom.entrypoints.telemetry.observed import ObservedConsume
from tests.simulation.process import Process

STARTS_IN = 2.0
"""Seconds: a Python with all of Postroom in it."""


@dataclass(frozen=True)
class InChildProcess(Isolation):
    """*wire* makes the use cases of the child, which has the clock and release of its *parent*."""

    parent: Process
    wire: Callable[[Process, AsyncExitStack], Awaitable[Wired]]

    async def __call__(self, claim: Claim) -> None:
        loop = asyncio.get_running_loop()
        died: asyncio.Future[None] = loop.create_future()
        child = Process("suspect", lambda: died.set_result(None), self.parent.skew)
        child.release = self.parent.release
        self.parent.children[child] = None
        consuming = child.spawn(self._consume(child, claim))
        try:
            await asyncio.wait({consuming, died}, return_when=asyncio.FIRST_COMPLETED)
            if died.done():
                raise ProcessDied("SIGKILL")
            consuming.result()
        finally:
            del self.parent.children[child]
            if not child.dead:
                child.kill()

    async def _consume(self, child: Process, claim: Claim) -> None:
        await asyncio.sleep(STARTS_IN)
        async with AsyncExitStack() as resources:
            wired = await self.wire(child, resources)
            try:
                await ObservedConsume(wired.consume, wired.telemetry)(claim)
            except StoreUnavailable:
                raise StoreUnavailable("a process for a suspect could not work") from None
