"""Whom a subscription tells of: how often that is asked, and how long it is remembered."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.receptions import InMemoryReceptions
from postroom.application.ports import Subscriber
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.microsoft import subscribers as module
from postroom.entrypoints.api.microsoft.subscribers import KEPT_FOR, Subscribers

SECOND = timedelta(seconds=1)


def subscriber(name: str) -> Subscriber:
    return Subscriber(
        tenant="acme",
        id=name,
        provider="microsoft",
        folder="inbox",
        secret_digest="",
        application="",
        is_paused=False,
    )


@dataclass
class SlowReceptions(InMemoryReceptions):
    """Answers while *open*; *queries* are what it was asked, *most* how many at a time."""

    known: set[str]
    queries: list[list[str]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        super().__init__(InMemoryDatabase())
        self.open = asyncio.Event()
        self.open.set()

    async def subscribers(self, subscription_ids: Sequence[str]) -> Mapping[str, Subscriber]:
        self.queries.append(list(subscription_ids))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        if self.failures:
            raise self.failures.pop(0)
        return {each: subscriber(each) for each in subscription_ids if each in self.known}


@pytest.fixture
def receptions() -> SlowReceptions:
    return SlowReceptions({"a", "b", "c"})


@pytest.fixture
def subscribers(receptions: SlowReceptions, clock: ManualClock) -> Subscribers:
    return Subscribers(receptions, clock)


async def until_they_wait() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_that_there_are_are_found_in_one_query(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    found = await subscribers.find(["b", "nobody", "a"])

    assert found == {"a": subscriber("a"), "b": subscriber("b")}
    assert receptions.queries == [["a", "b", "nobody"]]


async def test_a_subscriber_is_remembered_for_half_a_minute(
    subscribers: Subscribers, receptions: SlowReceptions, clock: ManualClock
) -> None:
    await subscribers.find(["a"])
    clock.advance(KEPT_FOR - SECOND)
    assert await subscribers.find(["a"]) == {"a": subscriber("a")}
    assert len(receptions.queries) == 1
    clock.advance(SECOND)
    receptions.known.clear()

    assert await subscribers.find(["a"]) == {}


async def test_only_what_is_not_remembered_is_asked_for(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    await subscribers.find(["a"])

    assert (await subscribers.find(["a", "b"])).keys() == {"a", "b"}
    assert receptions.queries == [["a"], ["b"]]


async def test_a_new_subscription_is_known_as_soon_as_there_is_one(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    assert await subscribers.find(["new"]) == {}
    receptions.known.add("new")

    assert await subscribers.find(["new"]) == {"new": subscriber("new")}


async def test_however_many_ask_one_query_is_on_its_way(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    receptions.open.clear()
    waiting = [asyncio.create_task(subscribers.find([f"unknown-{n}", "a"])) for n in range(1000)]
    await until_they_wait()
    receptions.open.set()

    found = await asyncio.gather(*waiting)

    assert all(each == {"a": subscriber("a")} for each in found)
    assert receptions.most == 1
    assert len(receptions.queries) <= 2


async def test_who_asks_while_a_query_is_on_its_way_is_answered_by_the_next(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    receptions.open.clear()
    first = asyncio.create_task(subscribers.find(["a"]))
    await until_they_wait()
    later = [asyncio.create_task(subscribers.find([each])) for each in ("b", "c", "nobody")]
    await until_they_wait()
    receptions.open.set()

    await asyncio.gather(first, *later)

    assert receptions.queries == [["a"], ["b", "c", "nobody"]]
    assert receptions.most == 1


async def test_a_failure_is_told_to_all_who_wait_for_it_and_forgotten(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    receptions.failures = [Unavailable("postgres is away")]
    results = await asyncio.gather(
        subscribers.find(["a"]), subscribers.find(["b"]), return_exceptions=True
    )

    assert [type(each) for each in results] == [Unavailable, Unavailable]
    assert await subscribers.find(["a"]) == {"a": subscriber("a")}


async def test_a_request_that_is_given_up_takes_no_answer_from_the_others(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    receptions.open.clear()
    given_up, other = (asyncio.create_task(subscribers.find(["a"])) for _ in range(2))
    await until_they_wait()
    given_up.cancel()
    await until_they_wait()
    receptions.open.set()

    assert await other == {"a": subscriber("a")}


async def test_a_failure_that_nobody_waits_for_any_more_disturbs_nobody(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    receptions.open.clear()
    receptions.failures = [Unavailable("postgres is away")]
    given_up = asyncio.create_task(subscribers.find(["a"]))
    await until_they_wait()
    given_up.cancel()
    receptions.open.set()
    await until_they_wait()
    gc.collect()

    assert complaints == []
    assert await subscribers.find(["a"]) == {"a": subscriber("a")}


async def test_what_is_remembered_is_bounded(
    subscribers: Subscribers, receptions: SlowReceptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    for each in ("a", "b", "c"):
        await subscribers.find([each])

    await subscribers.find(["b", "c"])
    assert len(receptions.queries) == 3
    await subscribers.find(["a"])

    assert len(receptions.queries) == 4


async def test_unknown_ids_are_not_remembered(
    subscribers: Subscribers, receptions: SlowReceptions
) -> None:
    await subscribers.find([f"unknown-{n}" for n in range(10_000)])

    assert subscribers._kept == {}
    assert subscribers._wanted == set()
