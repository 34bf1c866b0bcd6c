"""Who may send at all: how often that is queried, and what is served while it cannot be."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Route, Routes
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.value_cache import ValueCache

GOOD_FOR = timedelta(seconds=30)
ASKED = "toy", "color"


class Colors(Routes):
    """Answers while *open*, with *colors*, or with a *failure*."""

    def __init__(self) -> None:
        self.colors = frozenset({"red"})
        self.queries = 0
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        raise AssertionError(keys)

    async def account_values(self, provider: str, field: str) -> frozenset[str]:
        assert (provider, field) == ASKED
        self.queries += 1
        await self.open.wait()
        if self.failure:
            raise self.failure
        return self.colors


@pytest.fixture
def routes() -> Colors:
    return Colors()


@pytest.fixture
def cache(routes: Colors, clock: ManualClock) -> ValueCache:
    return ValueCache(routes, clock, good_for=GOOD_FOR, within=5)


async def until_it_is_queried() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_values_are_remembered(cache: ValueCache, routes: Colors) -> None:
    assert await cache.get(*ASKED) == await cache.get(*ASKED) == {"red"}
    assert routes.queries == 1


async def test_the_first_who_want_them_wait_for_one_query(
    cache: ValueCache, routes: Colors
) -> None:
    routes.open.clear()
    waiting = [asyncio.create_task(cache.get(*ASKED)) for _ in range(3)]
    await until_it_is_queried()
    waiting[0].cancel()
    routes.open.set()

    assert [await each for each in waiting[1:]] == [{"red"}] * 2
    assert routes.queries == 1


async def test_newer_ones_are_queried_behind_the_callers_backs(
    cache: ValueCache, routes: Colors, clock: ManualClock
) -> None:
    await cache.get(*ASKED)
    routes.colors |= {"blue"}
    clock.advance(GOOD_FOR)

    assert await cache.get(*ASKED) == await cache.get(*ASKED) == {"red"}
    await until_it_is_queried()
    assert await cache.get(*ASKED) == {"red", "blue"}
    assert routes.queries == 2


async def test_what_is_known_is_served_while_the_database_is_away(
    cache: ValueCache, routes: Colors, clock: ManualClock
) -> None:
    await cache.get(*ASKED)
    routes.failure = Unavailable("postgres is away")
    for _ in range(3):
        clock.advance(GOOD_FOR)
        assert await cache.get(*ASKED) == {"red"}
        await until_it_is_queried()
        assert await cache.get(*ASKED) == {"red"}
    assert routes.queries == 4

    routes.failure, routes.colors = None, frozenset({"green"})
    clock.advance(GOOD_FOR)
    await cache.get(*ASKED)
    await until_it_is_queried()
    assert await cache.get(*ASKED) == {"green"}


async def test_where_nothing_is_known_the_database_must_answer(
    cache: ValueCache, routes: Colors
) -> None:
    routes.failure = Unavailable("postgres is away")
    with pytest.raises(Unavailable):
        await cache.get(*ASKED)

    routes.failure = None
    assert await cache.get(*ASKED) == {"red"}


async def test_a_database_that_does_not_answer_is_away(clock: ManualClock, routes: Colors) -> None:
    routes.open.clear()

    with pytest.raises(Unavailable, match="in time"):
        await ValueCache(routes, clock, good_for=GOOD_FOR, within=0).get(*ASKED)
