import asyncio
from contextlib import suppress

from postroom.entrypoints.tasks import cancel


async def hold_on(against: int, started: asyncio.Event) -> None:
    """Swallow so many cancellations."""
    started.set()
    for _ in range(against):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    started = [asyncio.Event() for _ in range(3)]
    tasks = [asyncio.create_task(hold_on(n, event)) for n, event in enumerate(started)]
    for event in started:
        await event.wait()

    async with asyncio.timeout(10):
        await cancel(tasks)

    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_fails_on_its_way_out_spoils_nothing() -> None:
    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError

    failing, ended = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(0))
    await ended

    await cancel([failing, ended])

    assert isinstance(failing.exception(), ValueError)


async def test_there_may_be_nothing_to_cancel() -> None:
    await cancel([])
