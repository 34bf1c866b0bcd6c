"""The calls that somebody else's server does not answer for a while."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from postroom.application.slow_calls import SlowCalls
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.slots import IN_HAND_PER_SLOT

AT_ONCE = timedelta()
NEVER = timedelta(hours=1)


@pytest.fixture
def calls() -> Iterator[ExitStack]:
    """What is entered here is under way until the test ends."""
    with ExitStack() as calls:
        yield calls


async def test_a_call_that_has_just_begun_does_not_count(calls: ExitStack) -> None:
    slow_calls = SlowCalls(places=1, slow=NEVER)
    calls.enter_context(slow_calls.calling("acme", ["graph"]))

    assert slow_calls.lasting(NEVER) == 0
    assert not slow_calls.are_too_many("acme", ["graph"])


async def test_a_call_counts_when_it_has_lasted(calls: ExitStack) -> None:
    slow_calls, a_while = SlowCalls(places=4), timedelta(milliseconds=20)
    calls.enter_context(slow_calls.calling("acme", ["graph"]))
    await asyncio.sleep(a_while.total_seconds())
    calls.enter_context(slow_calls.calling("acme", ["graph"]))

    assert slow_calls.lasting(a_while) == 1


async def test_a_call_that_is_over_does_not_count() -> None:
    slow_calls = SlowCalls(places=2, slow=AT_ONCE)
    for _ in range(2):
        with slow_calls.calling("acme", ["graph"]):
            assert slow_calls.lasting(AT_ONCE) == 1

        assert slow_calls.lasting(AT_ONCE) == 0
        assert not slow_calls.are_too_many("acme", ["graph"])


@pytest.mark.parametrize(
    ("tenant", "sources", "has_its_share"),
    [
        ("acme", ["imap"], True),
        ("globex", ["graph", "entra/globex"], True),
        ("globex", ["imap"], False),
        ("graph", ["acme"], False),
    ],
)
async def test_a_tenant_and_a_source_have_a_share(
    calls: ExitStack, tenant: str, sources: list[str], *, has_its_share: bool
) -> None:
    slow_calls = SlowCalls(places=4, slow=AT_ONCE)
    for _ in range(2):
        calls.enter_context(slow_calls.calling("acme", ["graph", "entra/acme"]))

    assert slow_calls.are_too_many(tenant, sources) is has_its_share


async def test_while_there_are_places_nobody_is_held_up(calls: ExitStack) -> None:
    slow_calls = SlowCalls(places=10, slow=AT_ONCE)
    for _ in range(4):
        calls.enter_context(slow_calls.calling("acme", ["graph"]))

    assert not slow_calls.are_too_many("acme", ["graph"])


async def test_the_only_mailbox_there_is_never_meets_a_share(calls: ExitStack) -> None:
    settings = Settings.model_construct()
    slow_calls = SlowCalls(places=IN_HAND_PER_SLOT * settings.concurrency, slow=AT_ONCE)
    for _ in range(settings.lane_concurrency):
        assert not slow_calls.are_too_many("acme", ["graph"])
        calls.enter_context(slow_calls.calling("acme", ["graph"]))


@pytest.mark.parametrize("hogs", [1, 2, 5, 20])
async def test_however_many_hang_there_is_room_for_a_stranger(calls: ExitStack, hogs: int) -> None:
    slow_calls, places = SlowCalls(places=256, slow=AT_ONCE), 256
    for _ in range(places):
        for hog in range(hogs):
            if not slow_calls.are_too_many(f"hog{hog}", [f"server{hog}"]):
                calls.enter_context(slow_calls.calling(f"hog{hog}", [f"server{hog}"]))

    left = places - slow_calls.lasting(AT_ONCE)
    assert left == pytest.approx(places / (hogs + 1), abs=hogs)
    assert not slow_calls.are_too_many("calm", ["graph"])


async def test_tenants_who_share_a_source_that_hangs_share_its_share(calls: ExitStack) -> None:
    slow_calls = SlowCalls(places=100, slow=AT_ONCE)
    for number in range(100):
        tenant = f"tenant{number % 2}"
        if not slow_calls.are_too_many(tenant, ["imap"]):
            calls.enter_context(slow_calls.calling(tenant, ["imap"]))

    assert slow_calls.lasting(AT_ONCE) == 50
    assert slow_calls.are_too_many("newcomer", ["imap"])
    assert not slow_calls.are_too_many("tenant0", ["graph"])


async def test_a_call_that_is_cancelled_gives_its_place_back() -> None:
    slow_calls = SlowCalls(places=2, slow=AT_ONCE)

    async def call() -> None:
        with slow_calls.calling("acme", ["graph"]):
            await asyncio.Event().wait()

    hanging = asyncio.create_task(call())
    await asyncio.sleep(0)
    assert slow_calls.are_too_many("acme", ["graph"])

    hanging.cancel()
    await asyncio.wait([hanging])

    assert not slow_calls.are_too_many("acme", ["graph"])
