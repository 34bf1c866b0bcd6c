"""An event loop in which time is a number, and chance says who goes first.

Rule 1  Time passes only when nothing is ready, and then leaps to the next timer.
Rule 2  What is ready at a moment runs in an order drawn from the seed.
Rule 3  There are no threads (threads.py) and no sockets (sockets.py).
Rule 4  Nothing of a process that was killed runs any more, and nothing of one that is stalled runs
        before it goes on.
"""

import asyncio
import contextvars
import heapq
from collections.abc import Callable
from contextvars import Context
from functools import partial
from random import Random
from typing import Any

from tests.simulation.process import PROCESS, SteadyTask, this_process
from tests.simulation.sockets import Internet
from tests.simulation.threads import Deadlock, Pool, size_of


class SimulatedLoop(asyncio.BaseEventLoop):
    """*busy* is for how long the thread that runs at the moment has been so."""

    def __init__(self, random: Random, now: float = 0.0) -> None:
        super().__init__()
        self.internet = Internet(self, random)
        self.busy = 0.0
        self._random = random
        self._now = now
        self._tasks = 0
        self._timers: list[tuple[float, int, asyncio.Handle]] = []
        self._timers_made = 0

    def time(self) -> float:
        return self._now

    def create_task(  # type: ignore[override] # the stubs differ between Pythons
        self,
        coro: Any,  # noqa: ANN401
        *,
        name: str | None = None,
        context: Context | None = None,
        **options: Any,  # noqa: ANN401
    ) -> SteadyTask:
        self._tasks += 1
        context = contextvars.copy_context() if context is None else context
        task = SteadyTask(
            coro, number=self._tasks, loop=self, name=name, context=context, **options
        )
        if process := context.get(PROCESS):
            process.owns(task, context)
        return task

    def nested(self, now: float) -> "SimulatedLoop":
        return SimulatedLoop(self._random, now)

    # --- Rules 1, 2 and 4 ---

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        # In tuples, which are compared more quickly than the handles are.
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not ready:
            if not timers:
                raise Deadlock
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            ready.append(heapq.heappop(timers)[2])
        batch = list(ready)
        ready.clear()
        if len(batch) > 1:
            self._random.shuffle(batch)
        for handle in batch:
            process = handle._context.get(PROCESS)
            if handle._cancelled or (process and process.dead):
                continue
            if process and process.stalled_until > self._now:
                self._put_off(handle, process.stalled_until)
            else:
                handle._run()

    def _put_off(self, handle: asyncio.Handle, until: float) -> None:
        self._timers_made += 1
        heapq.heappush(self._timers, (until, self._timers_made, handle))

    def _process_events(self, event_list: Any) -> None:  # noqa: ANN401
        """There are none: nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody waits to be woken."""

    # --- Rule 3 ---

    def run_in_executor(  # type: ignore[override]
        self,
        executor: object,
        func: Callable[..., Any],
        *args: Any,  # noqa: ANN401
    ) -> asyncio.Future[Any]:
        process = this_process()
        if executor not in process.pools:
            process.pools[executor] = Pool(process, self, size_of(executor))
        pool: Pool = process.pools[executor]
        return pool.run(partial(func, *args))

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str,
        port: int,
        **_: Any,  # noqa: ANN401 - TLS, and how names are resolved
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        return await self.internet.connect(protocol_factory, host, port)

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str,
        port: int,
        **_: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        return self.internet.listen(protocol_factory, (host, port))


def the_loop() -> SimulatedLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    return loop
