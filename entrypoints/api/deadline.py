"""A deadline for each of very many requests."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from postroom.domain.failure import Unavailable

Result = TypeVar("Result")

TICK = 0.1
"""Seconds by which a deadline may be late."""


class Deadline:
    """Ends what takes longer than so many *seconds*.

    asyncio.timeout does the same, with a timer for each, and takes three hundredths of a webhook's
    time. Here is one timer for all, and none while there is nothing to end.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun: dict[asyncio.Task[Any], float] = {}  # the oldest come first
        self._late: set[asyncio.Task[Any]] = set()
        self._is_watching = False

    async def run(self, work: Awaitable[Result]) -> Result:
        """What *work* returns, or raises. Raises Unavailable when it is cancelled for being late.

        A task may be in here once.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task
        self._begun[task] = loop.time()
        if not self._is_watching:
            self._is_watching = True
            loop.call_later(TICK, self._watch, loop)
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._late and task.cancelling() == 1:  # by nobody else
                raise Unavailable(f"not done within {self._seconds:g} seconds") from None
            raise
        finally:
            self._begun.pop(task, None)
            if task in self._late:
                self._late.discard(task)
                task.uncancel()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() - self._seconds
        while self._begun and next(iter(self._begun.values())) <= due:
            task = next(iter(self._begun))
            del self._begun[task]
            self._late.add(task)
            task.cancel()
        self._is_watching = bool(self._begun)
        if self._is_watching:
            loop.call_later(TICK, self._watch, loop)
