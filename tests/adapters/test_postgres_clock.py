"""One time for all processes, whatever their hosts' clocks say."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.clock import DatabaseClock
from postroom.adapters.postgres.database import Database

HOUR = timedelta(hours=1)
SLACK = timedelta(seconds=30)
"""What a loaded machine may take between two looks at a clock."""


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    async with Database(postgres_url) as opened:
        yield opened


def a_host(ahead: timedelta) -> ManualClock:
    return ManualClock(SystemClock().now() + ahead)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_a_host_whose_clock_is_wrong_goes_by_the_databases(
    database: Database, ahead: timedelta
) -> None:
    clock = DatabaseClock(a_host(ahead))

    async with clock.following(database):
        assert abs(clock.now() - SystemClock().now()) < SLACK


class Impatient(ManualClock):
    """Sleeps for no time."""

    async def sleep(self, duration: timedelta) -> None:  # noqa: ARG002
        await asyncio.sleep(0)


async def test_how_far_it_is_wrong_is_told_a_minute_later_and_not_to_a_command(
    database: Database,
) -> None:
    told: asyncio.Queue[timedelta] = asyncio.Queue()
    clock = DatabaseClock(Impatient(SystemClock().now() + HOUR), skewed=told.put_nowait)

    async with clock.following(database):
        assert told.empty()
        async with asyncio.timeout(SLACK.total_seconds()):
            assert abs(await told.get() - HOUR) < SLACK


async def test_a_clock_that_is_set_meanwhile_changes_nothing(database: Database) -> None:
    host, elapsed = a_host(timedelta()), [100.0]
    clock = DatabaseClock(host, monotonic=lambda: elapsed[0])

    async with clock.following(database):
        before = clock.now()
        host.advance(-HOUR)
        elapsed[0] += 60
        assert clock.now() - before == timedelta(minutes=1)


async def test_while_the_database_is_away_it_is_the_hosts() -> None:
    host = a_host(HOUR)
    clock = DatabaseClock(host)

    async with (
        Database("postgresql://127.0.0.1:1/none") as away,
        clock.following(away),
    ):
        assert clock.now() == host.now()


async def test_an_answer_that_took_long_does_not_set_a_clock_that_was_set(
    database: Database,
) -> None:
    """The process was stalled while it asked: half of that would be the error."""
    moments = iter([0.0, 0.1, 60.0, 160.0])
    clock = DatabaseClock(a_host(timedelta()), monotonic=lambda: next(moments))
    await clock.ask(database)
    known = clock._known

    await clock.ask(database)

    assert clock._known == known
