"""Which mailbox a notification is of: how often that is queried, and how long it is remembered."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Route, Routes
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api import route_cache as module
from postroom.entrypoints.api.route_cache import RETRY_AFTER, TTL, RouteCache

SECOND = timedelta(seconds=1)
AWAY = Unavailable("postgres is away")


def route(name: str) -> Route:
    return Route(tenant="acme", id=name, provider="toy")


@dataclass
class SlowRoutes(Routes):
    """Answers while *open*; *queries* are what it was asked, *most* how many at a time."""

    known: set[str]
    queries: list[list[str]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        self.queries.append(list(keys))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        if self.failures:
            raise self.failures.pop(0)
        return {each: route(each) for each in keys if each in self.known}

    async def account_values(self, provider: str, field: str) -> frozenset[str]:
        found = await self.find([f"{provider} {field}"])
        return frozenset(each.id for each in found.values())


@pytest.fixture
def routes() -> SlowRoutes:
    return SlowRoutes({"a", "b", "c"})


@pytest.fixture
def cache(routes: SlowRoutes, clock: ManualClock) -> RouteCache:
    return RouteCache(routes, clock)


async def until_they_wait() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_that_there_are_are_found_in_one_query(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    found = await cache.find(["b", "nobody", "a"])

    assert found == {"a": route("a"), "b": route("b")}
    assert routes.queries == [["a", "b", "nobody"]]


async def test_a_route_is_remembered_for_half_a_minute(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock
) -> None:
    await cache.find(["a"])
    clock.advance(TTL - SECOND)
    assert await cache.find(["a"]) == {"a": route("a")}
    assert len(routes.queries) == 1
    clock.advance(SECOND)
    routes.known.clear()

    assert await cache.find(["a"]) == {}


async def test_only_what_is_not_remembered_is_queried(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    await cache.find(["a"])

    assert (await cache.find(["a", "b"])).keys() == {"a", "b"}
    assert routes.queries == [["a"], ["b"]]


async def test_a_new_subscription_is_known_as_soon_as_there_is_one(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    assert await cache.find(["new"]) == {}
    routes.known.add("new")

    assert await cache.find(["new"]) == {"new": route("new")}


async def test_however_many_ask_one_query_is_on_its_way(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    routes.open.clear()
    waiting = [asyncio.create_task(cache.find([f"unknown-{n}", "a"])) for n in range(1000)]
    await until_they_wait()
    routes.open.set()

    found = await asyncio.gather(*waiting)

    assert all(each == {"a": route("a")} for each in found)
    assert routes.most == 1
    assert len(routes.queries) <= 2


async def test_who_asks_while_a_query_is_on_its_way_is_answered_by_the_next(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    routes.open.clear()
    first = asyncio.create_task(cache.find(["a"]))
    await until_they_wait()
    later = [asyncio.create_task(cache.find([each])) for each in ("b", "c", "nobody")]
    await until_they_wait()
    routes.open.set()

    await asyncio.gather(first, *later)

    assert routes.queries == [["a"], ["b", "c", "nobody"]]
    assert routes.most == 1


async def test_a_failure_reaches_all_who_wait_for_it_and_is_forgotten(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    routes.failures = [AWAY]
    results = await asyncio.gather(cache.find(["a"]), cache.find(["b"]), return_exceptions=True)

    assert [type(each) for each in results] == [Unavailable, Unavailable]
    assert await cache.find(["a"]) == {"a": route("a")}


async def test_a_request_that_is_given_up_takes_no_answer_from_the_others(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    routes.open.clear()
    given_up, other = (asyncio.create_task(cache.find(["a"])) for _ in range(2))
    await until_they_wait()
    given_up.cancel()
    await until_they_wait()
    routes.open.set()

    assert await other == {"a": route("a")}


async def test_a_failure_that_nobody_waits_for_any_more_disturbs_nobody(
    cache: RouteCache, routes: SlowRoutes
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    routes.open.clear()
    routes.failures = [AWAY]
    given_up = asyncio.create_task(cache.find(["a"]))
    await until_they_wait()
    given_up.cancel()
    routes.open.set()
    await until_they_wait()
    gc.collect()

    assert complaints == []
    assert await cache.find(["a"]) == {"a": route("a")}


async def test_what_is_remembered_is_bounded(
    cache: RouteCache, routes: SlowRoutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)
    for each in ("a", "b", "c"):
        await cache.find([each])

    await cache.find(["b", "c"])
    assert len(routes.queries) == 3
    await cache.find(["a"])

    assert len(routes.queries) == 4


async def test_unknown_keys_are_not_remembered(cache: RouteCache, routes: SlowRoutes) -> None:
    await cache.find([f"unknown-{n}" for n in range(10_000)])

    assert cache._entries == {}
    assert cache._wanted == set()


# --- While the database is away


async def test_what_is_known_is_served_however_old_it_is(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock
) -> None:
    await cache.find(["a", "b"])
    clock.advance(timedelta(days=3))
    routes.failures = [AWAY] * 2

    assert await cache.find(["a", "b"]) == {"a": route("a"), "b": route("b")}
    assert await cache.find(["b"]) == {"b": route("b")}


async def test_what_is_not_known_is_a_failure_and_so_is_what_comes_with_it(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock
) -> None:
    await cache.find(["a"])
    clock.advance(TTL)
    routes.failures = [AWAY] * 2

    with pytest.raises(Unavailable):
        await cache.find(["b"])
    with pytest.raises(Unavailable):
        await cache.find(["a", "b"])


async def test_a_database_that_does_not_answer_is_waited_for_but_not_for_long(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0)
    await cache.find(["a"])
    clock.advance(TTL)
    routes.open.clear()

    assert await cache.find(["a"]) == {"a": route("a")}
    routes.open.set()


async def test_what_is_known_is_not_queried_again_at_once(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock
) -> None:
    await cache.find(["a"])
    clock.advance(TTL)
    routes.failures = [AWAY]
    await cache.find(["a"])

    await cache.find(["a"])
    assert len(routes.queries) == 2
    clock.advance(RETRY_AFTER)
    await cache.find(["a"])
    await until_they_wait()

    assert len(routes.queries) == 3


async def test_only_the_first_to_meet_an_outage_wait_for_the_database(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cache.find(["a"])
    clock.advance(TTL)
    routes.failures = [AWAY]
    await cache.find(["a"])
    monkeypatch.setattr(module, "PATIENCE", 3600)
    routes.open.clear()

    for _ in range(3):
        clock.advance(RETRY_AFTER)
        assert await cache.find(["a"]) == {"a": route("a")}
        await until_they_wait()

    assert (len(routes.queries), routes.most) == (3, 1)
    routes.open.set()


async def test_what_is_found_behind_their_backs_is_what_those_get_who_come_later(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock
) -> None:
    await cache.find(["a"])
    clock.advance(TTL)
    routes.failures = [AWAY]
    await cache.find(["a"])
    routes.known.clear()
    clock.advance(RETRY_AFTER)

    assert await cache.find(["a"]) == {"a": route("a")}
    await until_they_wait()
    assert await cache.find(["a"]) == {}


async def test_a_query_that_takes_too_long_makes_way_for_the_next(
    cache: RouteCache, routes: SlowRoutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUERY_WITHIN", 0)
    routes.open.clear()
    with pytest.raises(Unavailable):
        await cache.find(["a"])
    monkeypatch.undo()
    routes.open.set()

    assert await cache.find(["a"]) == {"a": route("a")}


async def test_no_more_keys_wait_than_a_query_may_have(
    cache: RouteCache, routes: SlowRoutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WANTED", 2)
    routes.open.clear()
    first = asyncio.create_task(cache.find(["a"]))
    await until_they_wait()
    second = asyncio.create_task(cache.find(["b", "nobody"]))
    await until_they_wait()

    with pytest.raises(Unavailable, match="too many"):
        await cache.find(["c"])
    routes.open.set()
    assert await first == {"a": route("a")}
    assert await second == {"b": route("b")}


async def test_what_is_found_to_be_gone_is_not_served_later(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock
) -> None:
    await cache.find(["a"])
    clock.advance(TTL)
    routes.known.clear()
    await cache.find(["a"])
    routes.failures = [AWAY]

    with pytest.raises(Unavailable):
        await cache.find(["a"])


async def test_a_bug_is_not_taken_for_an_outage(
    cache: RouteCache, routes: SlowRoutes, clock: ManualClock
) -> None:
    await cache.find(["a"])
    clock.advance(TTL)
    routes.failures = [ZeroDivisionError()]

    with pytest.raises(ZeroDivisionError):
        await cache.find(["a"])
