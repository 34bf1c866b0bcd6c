"""The listener, in a scenario whose clock moves by steps."""

import asyncio
from dataclasses import dataclass, field, replace

from postroom.entrypoints.listener import RECONNECT, Listener
from tests.consuming import largest
from tests.features.service import Service
from tests.features.waits import Waits

TURNS = 20
"""Of the event loop, within which whatever has woken up has ended its wait."""

BOUND = 60
"""Seconds that it may take until all is quiet."""

_LOOPS = {"Listener._watch_all", "Listener._watch"}
"""The tasks of a listener that go round for ever, and so are at rest only when they wait."""


@dataclass
class Listening:
    service: Service
    waits: Waits
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _running: "asyncio.Task[None] | None" = None

    @property
    def is_running(self) -> bool:
        return self._running is not None

    async def start(self) -> None:
        """Listen to what there is to listen to; returns when the listener has come to rest."""
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(self._listener().run(self._stop))
        await self.settle()

    async def stop(self) -> None:
        if self._running:
            self._stop.set()
            await self._running
            self._running = None

    async def settle(self) -> None:
        """Until each of its tasks waits: for a change, or until a moment that has not come."""
        quiet = 0
        async with asyncio.timeout(BOUND):
            while self._running and quiet < TURNS:
                self.waits.end_due()
                await asyncio.sleep(0)
                quiet = quiet + 1 if self.waits.count == _loops() else 0
                if self._running.done():
                    self._running.result()

    def _listener(self) -> Listener:
        service = self.service
        return Listener(
            registry=service.rig.registry,
            providers=service.providers,
            folder_syncs=service.rig.folder_syncs,
            maintain=service.maintain,
            sources=service.sources,
            clock=service.rig.clock,
            reconnect=replace(RECONNECT, draw=largest),
            sleep=self.waits.sleep,
        )


def _loops() -> int:
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return sum(name in _LOOPS for name in names)
