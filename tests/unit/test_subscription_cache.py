"""Whom a subscription tells of: how often that is asked, and how long it is remembered."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.application.ports import SubscribedFolder
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.microsoft import subscription_cache as module
from postroom.entrypoints.api.microsoft.subscription_cache import TTL, SubscriptionCache

SECOND = timedelta(seconds=1)


def subscribed_folder(name: str) -> SubscribedFolder:
    return SubscribedFolder(
        tenant="acme",
        id=name,
        provider="microsoft",
        folder="inbox",
        secret_digest="",
        application="",
        is_paused=False,
    )


@dataclass
class SlowFolderSyncs(InMemoryFolderSyncs):
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

    async def subscribed_folders(
        self, subscription_ids: Sequence[str]
    ) -> Mapping[str, SubscribedFolder]:
        self.queries.append(list(subscription_ids))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        if self.failures:
            raise self.failures.pop(0)
        return {each: subscribed_folder(each) for each in subscription_ids if each in self.known}


@pytest.fixture
def folder_syncs() -> SlowFolderSyncs:
    return SlowFolderSyncs({"a", "b", "c"})


@pytest.fixture
def subscribed_folders(folder_syncs: SlowFolderSyncs, clock: ManualClock) -> SubscriptionCache:
    return SubscriptionCache(folder_syncs, clock)


async def until_they_wait() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_that_there_are_are_found_in_one_query(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    found = await subscribed_folders.find(["b", "nobody", "a"])

    assert found == {"a": subscribed_folder("a"), "b": subscribed_folder("b")}
    assert folder_syncs.queries == [["a", "b", "nobody"]]


async def test_a_subscriber_is_remembered_for_half_a_minute(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs, clock: ManualClock
) -> None:
    await subscribed_folders.find(["a"])
    clock.advance(TTL - SECOND)
    assert await subscribed_folders.find(["a"]) == {"a": subscribed_folder("a")}
    assert len(folder_syncs.queries) == 1
    clock.advance(SECOND)
    folder_syncs.known.clear()

    assert await subscribed_folders.find(["a"]) == {}


async def test_only_what_is_not_remembered_is_asked_for(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    await subscribed_folders.find(["a"])

    assert (await subscribed_folders.find(["a", "b"])).keys() == {"a", "b"}
    assert folder_syncs.queries == [["a"], ["b"]]


async def test_a_new_subscription_is_known_as_soon_as_there_is_one(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    assert await subscribed_folders.find(["new"]) == {}
    folder_syncs.known.add("new")

    assert await subscribed_folders.find(["new"]) == {"new": subscribed_folder("new")}


async def test_however_many_ask_one_query_is_on_its_way(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    folder_syncs.open.clear()
    waiting = [
        asyncio.create_task(subscribed_folders.find([f"unknown-{n}", "a"])) for n in range(1000)
    ]
    await until_they_wait()
    folder_syncs.open.set()

    found = await asyncio.gather(*waiting)

    assert all(each == {"a": subscribed_folder("a")} for each in found)
    assert folder_syncs.most == 1
    assert len(folder_syncs.queries) <= 2


async def test_who_asks_while_a_query_is_on_its_way_is_answered_by_the_next(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    folder_syncs.open.clear()
    first = asyncio.create_task(subscribed_folders.find(["a"]))
    await until_they_wait()
    later = [asyncio.create_task(subscribed_folders.find([each])) for each in ("b", "c", "nobody")]
    await until_they_wait()
    folder_syncs.open.set()

    await asyncio.gather(first, *later)

    assert folder_syncs.queries == [["a"], ["b", "c", "nobody"]]
    assert folder_syncs.most == 1


async def test_a_failure_is_told_to_all_who_wait_for_it_and_forgotten(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    folder_syncs.failures = [Unavailable("postgres is away")]
    results = await asyncio.gather(
        subscribed_folders.find(["a"]), subscribed_folders.find(["b"]), return_exceptions=True
    )

    assert [type(each) for each in results] == [Unavailable, Unavailable]
    assert await subscribed_folders.find(["a"]) == {"a": subscribed_folder("a")}


async def test_a_request_that_is_given_up_takes_no_answer_from_the_others(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    folder_syncs.open.clear()
    given_up, other = (asyncio.create_task(subscribed_folders.find(["a"])) for _ in range(2))
    await until_they_wait()
    given_up.cancel()
    await until_they_wait()
    folder_syncs.open.set()

    assert await other == {"a": subscribed_folder("a")}


async def test_a_failure_that_nobody_waits_for_any_more_disturbs_nobody(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    folder_syncs.open.clear()
    folder_syncs.failures = [Unavailable("postgres is away")]
    given_up = asyncio.create_task(subscribed_folders.find(["a"]))
    await until_they_wait()
    given_up.cancel()
    folder_syncs.open.set()
    await until_they_wait()
    gc.collect()

    assert complaints == []
    assert await subscribed_folders.find(["a"]) == {"a": subscribed_folder("a")}


async def test_what_is_remembered_is_bounded(
    subscribed_folders: SubscriptionCache,
    folder_syncs: SlowFolderSyncs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)
    for each in ("a", "b", "c"):
        await subscribed_folders.find([each])

    await subscribed_folders.find(["b", "c"])
    assert len(folder_syncs.queries) == 3
    await subscribed_folders.find(["a"])

    assert len(folder_syncs.queries) == 4


async def test_unknown_ids_are_not_remembered(
    subscribed_folders: SubscriptionCache, folder_syncs: SlowFolderSyncs
) -> None:
    await subscribed_folders.find([f"unknown-{n}" for n in range(10_000)])

    assert subscribed_folders._kept == {}
    assert subscribed_folders._wanted == set()
