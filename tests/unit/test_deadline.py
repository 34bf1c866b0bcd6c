"""A deadline for each of many requests."""

import asyncio

import pytest

from postroom.domain.failure import Unavailable
from postroom.entrypoints.api import deadline as module
from postroom.entrypoints.api.deadline import Deadline


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK", 0.01)


async def quick() -> str:
    await asyncio.sleep(0)
    return "done"


async def endless() -> str:
    await asyncio.Event().wait()
    return "never"


async def test_what_is_done_in_time_is_returned() -> None:
    assert await Deadline(60).run(quick()) == "done"


async def test_what_is_late_is_ended_and_its_task_goes_on() -> None:
    with pytest.raises(Unavailable, match="not done within"):
        await Deadline(0.01).run(endless())

    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0
    assert await quick() == "done"


async def test_each_has_its_own() -> None:
    deadline = Deadline(0.05)
    late = asyncio.create_task(deadline.run(endless()))
    results = [await deadline.run(quick()) for _ in range(100)]

    assert results == ["done"] * 100
    with pytest.raises(Unavailable):
        await late


async def test_who_is_cancelled_is_cancelled() -> None:
    task = asyncio.create_task(Deadline(60).run(endless()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_late_and_cancelled_is_cancelled() -> None:
    async def stubborn() -> None:
        try:
            await endless()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task
            task.cancel()
            await quick()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(Deadline(0.01).run(stubborn()))


async def test_what_fails_while_it_is_ended_says_so() -> None:
    async def failing() -> None:
        try:
            await endless()
        finally:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Deadline(0.01).run(failing())
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0


async def test_nothing_is_watched_when_all_is_done() -> None:
    deadline = Deadline(0.05)
    await deadline.run(quick())
    with pytest.raises(Unavailable):
        await deadline.run(endless())

    assert not deadline._is_watching
    assert not deadline._begun
    assert not deadline._late
