"""How tasks are brought to an end."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

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
