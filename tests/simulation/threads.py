"""Threads without threads: what is handed to one runs at once, and takes as long as it says.

Its result is delivered when that time has passed, on one of as many slots as the pool has: so a
pool can be starved, as in reality, and what waits for it in vain can give up.

Where blocking code waits for the network, its exchange runs on a loop of its own, whose time goes
on from now. So it meets the faults of the moments that it lives through, and what it does there is
done at once: nobody sees the difference but a peer that would have been spoken to in between.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future as ThreadFuture
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tests.simulation.process import Process

T = TypeVar("T")

THREADS = 6
"""Of a pool that nobody sizes: what asyncio takes on two cores, min(32, cores + 4)."""

FOR_EVER = 10.0**9
"""Seconds that a thread is busy which nothing ends."""


class BlockingLoop(Protocol):
    """What a thread needs of the loop that it was started from."""

    busy: float

    def time(self) -> float: ...

    def nested(self, now: float) -> asyncio.AbstractEventLoop: ...

    def call_later(
        self,
        delay: float,
        callback: Callable[..., None],
        *args: Any,  # noqa: ANN401
    ) -> asyncio.TimerHandle: ...

    def create_future(self) -> asyncio.Future[Any]: ...


class Deadlock(Exception):
    """Nothing is ready, and nothing ever will be."""


@dataclass(eq=False)
class _Call:
    work: Callable[[], Any]
    future: asyncio.Future[Any]


@dataclass(eq=False)
class Pool:
    """The threads that *process* has for one purpose: *free* of them wait for work."""

    process: Process
    loop: BlockingLoop
    free: int
    waiting: deque[_Call] = field(default_factory=deque)

    def run(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        future = self.loop.create_future()
        self.waiting.append(_Call(work, future))
        self._go_on()
        return future

    def _go_on(self) -> None:
        while self.free and self.waiting:
            call = self.waiting.popleft()
            if call.future.cancelled():
                continue
            self.free -= 1
            self.loop.busy = 0.0
            result, error = _attempt(call.work)
            self.loop.call_later(self.loop.busy, self._end, call.future, result, error)

    def _end(self, future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
        self.free += 1
        if not future.done():
            if error:
                future.set_exception(error)
            else:
                future.set_result(result)
        self._go_on()


def _attempt(work: Callable[[], Any]) -> tuple[object, Exception | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - it is handed on
        return None, error


def size_of(executor: object) -> int:
    """How many threads, or processes, a pool has; None is asyncio's own."""
    return getattr(executor, "_max_workers", THREADS)


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Called in a thread of the simulation: run *work* to its end, and be busy for as long.

    What never ends keeps the thread for ever, and raises TimeoutError.
    """
    outer: Any = asyncio.get_running_loop()
    begun = outer.time() + outer.busy
    inner = outer.nested(begun)
    asyncio._set_running_loop(None)
    try:
        result: T = inner.run_until_complete(work)
    except Deadlock:
        outer.busy += FOR_EVER
        raise TimeoutError("nothing will ever end that") from None
    finally:
        asyncio._set_running_loop(outer)
        outer.busy += inner.time() - begun
        inner.close()
    return result


def submit_blocking(
    work: Coroutine[Any, Any, T], _: asyncio.AbstractEventLoop
) -> "ThreadFuture[T]":
    """`asyncio.run_coroutine_threadsafe`, for a thread that waits for the result at once."""
    assert threading.current_thread() is threading.main_thread()
    future: ThreadFuture[T] = ThreadFuture()
    try:
        future.set_result(run_blocking(work))
    except BaseException as error:  # noqa: BLE001 - it is handed on
        future.set_exception(error)
    return future
