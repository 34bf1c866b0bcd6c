"""How tasks are brought to an end."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

from postroom.entrypoints.part_process import parent_is_gone

AGAIN = 1.0
"""Seconds that a cancelled task has to clean up before it is cancelled once more."""


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel *tasks*, and return when all have ended, however they did.

    A task is cancelled again and again: before Python 3.12, `asyncio.wait_for` in a library may
    lose a cancellation (CPython issue 86296), and the task would go on for ever.
    """
    pending: Collection[asyncio.Task[Any]] = list(tasks)
    while pending:
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=AGAIN)
        for task in ended:
            if not task.cancelled():
                task.exception()  # it is known now, and no warning is due


async def until_stopped(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run until it ends, or until a signal or the death of our supervisor sets its *stop*."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(parent_is_gone())
    watch.add_done_callback(lambda _: stop.set())
    try:
        await run(stop)
    finally:
        watch.cancel()
