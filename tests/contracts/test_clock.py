"""What every Clock promises."""

import asyncio
from datetime import UTC, timedelta

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.clock import DatabaseClock
from postroom.application.ports import Clock

PORTS = {Clock}

A_MOMENT = timedelta(milliseconds=20)
SLACK = timedelta(milliseconds=1)
"""What the time of day and the timers of the event loop may differ by in a moment."""


def of_a_database() -> Clock:
    """One that could not be reached yet."""
    return DatabaseClock(SystemClock())


@pytest.fixture(params=[SystemClock, ManualClock, of_a_database])
def timepiece(request: pytest.FixtureRequest) -> Clock:
    clock: Clock = request.param()
    return clock


def test_it_tells_the_time_in_utc(timepiece: Clock) -> None:
    assert timepiece.now().tzinfo is UTC


async def test_while_one_sleeps_the_time_passes(timepiece: Clock) -> None:
    before = timepiece.now()

    await timepiece.sleep(A_MOMENT)

    assert timepiece.now() - before >= A_MOMENT - SLACK


@pytest.mark.parametrize("duration", [timedelta(), timedelta(hours=-1)])
async def test_no_time_to_sleep_is_over_at_once(timepiece: Clock, duration: timedelta) -> None:
    before = timepiece.now()

    async with asyncio.timeout(1):
        await timepiece.sleep(duration)

    assert timedelta() <= timepiece.now() - before < timedelta(seconds=1)


async def test_others_go_on_while_one_sleeps(timepiece: Clock) -> None:
    went_on = asyncio.Event()

    async def other() -> None:
        went_on.set()

    task = asyncio.create_task(other())
    await timepiece.sleep(A_MOMENT)

    assert went_on.is_set()
    await task
