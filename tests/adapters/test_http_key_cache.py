"""When signing keys are requested, and what happens while they cannot be had."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from postroom.adapters.http.key_cache import KeyCache
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Issuer:
    """Publishes *keys*, unless it is *away*; *hanging*, it does not respond."""

    def __init__(self) -> None:
        self.keys = {"k1": "the first"}
        self.away = False
        self.hanging = False
        self.requested = asyncio.Event()
        self.responds = asyncio.Event()
        self.requests = 0

    async def fetch(self) -> Mapping[str, str]:
        self.requests += 1
        self.requested.set()
        if self.hanging:
            await self.responds.wait()
        await asyncio.sleep(0)  # others come meanwhile
        if self.away:
            raise Unavailable("the issuer is away")
        return dict(self.keys)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def cache(issuer: Issuer, clock: ManualClock) -> KeyCache[str]:
    return KeyCache(issuer.fetch, clock, name="the keys", fresh_for=HOUR)


async def test_keys_are_fetched_anew_when_they_are_old(
    cache: KeyCache[str], issuer: Issuer, clock: ManualClock
) -> None:
    await cache.find("k1")
    clock.advance(HOUR - SECOND)
    await cache.find("k1")
    assert issuer.requests == 1
    clock.advance(SECOND)

    assert await cache.find("k1") == "the first"

    assert issuer.requests == 2


async def test_a_withdrawn_key_is_not_found_for_longer(
    cache: KeyCache[str], issuer: Issuer, clock: ManualClock
) -> None:
    await cache.find("k1")
    issuer.keys = {"k2": "the second"}
    clock.advance(HOUR)

    assert await cache.find("k1") is None


async def test_a_new_key_is_found_at_once(
    cache: KeyCache[str], issuer: Issuer, clock: ManualClock
) -> None:
    await cache.find("k1")
    clock.advance(MINUTE)
    issuer.keys = {"k2": "the second"}

    assert await cache.find("k2") == "the second"


async def test_a_flood_of_unknown_ids_costs_one_request_a_minute(
    cache: KeyCache[str], issuer: Issuer, clock: ManualClock
) -> None:
    await cache.find("k1")
    for _ in range(3):
        clock.advance(MINUTE)
        found = await asyncio.gather(*(cache.find(f"a stranger's {n}") for n in range(20)))
        assert found == [None] * 20

    assert issuer.requests == 4


async def test_those_that_come_together_make_one_request_and_all_wait(
    cache: KeyCache[str], issuer: Issuer
) -> None:
    found = await asyncio.gather(*(cache.find("k1") for _ in range(20)))

    assert found == ["the first"] * 20
    assert issuer.requests == 1


async def test_without_keys_none_is_called_unknown(cache: KeyCache[str], issuer: Issuer) -> None:
    issuer.away = True

    with pytest.raises(Unavailable, match="the issuer is away"):
        await cache.find("k1")
    with pytest.raises(Unavailable, match="the keys could not be fetched"):
        await cache.find("k1")


async def test_keys_that_did_not_come_are_requested_again_soon(
    cache: KeyCache[str], issuer: Issuer, clock: ManualClock
) -> None:
    issuer.away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await cache.find("k1")
    assert issuer.requests == 1
    issuer.away = False
    clock.advance(timedelta(seconds=5))

    assert await cache.find("k1") == "the first"


async def test_old_keys_serve_while_there_are_no_new(
    cache: KeyCache[str], issuer: Issuer, clock: ManualClock
) -> None:
    await cache.find("k1")
    clock.advance(HOUR)
    issuer.away = True

    for _ in range(3):
        assert await cache.find("k1") == "the first"

    assert issuer.requests == 2


async def test_a_known_key_does_not_wait_for_someone_elses_request(
    cache: KeyCache[str], issuer: Issuer, clock: ManualClock
) -> None:
    await cache.find("k1")
    clock.advance(HOUR)
    issuer.hanging = True
    issuer.requested.clear()
    waiting = asyncio.create_task(cache.find("k1"))
    await issuer.requested.wait()

    found = await asyncio.wait_for(cache.find("k1"), 5)
    waiting.cancel()

    assert found == "the first"


async def test_a_request_that_is_given_up_brings_the_keys_all_the_same(
    cache: KeyCache[str], issuer: Issuer
) -> None:
    issuer.hanging = True
    given_up = asyncio.create_task(cache.find("k1"))
    await issuer.requested.wait()
    given_up.cancel()
    await asyncio.wait([given_up])
    issuer.responds.set()

    assert await cache.find("k1") == "the first"
    assert issuer.requests == 1


async def test_a_request_that_is_given_up_and_fails_disturbs_nobody(
    cache: KeyCache[str], issuer: Issuer
) -> None:
    issuer.hanging, issuer.away = True, True
    given_up = asyncio.create_task(cache.find("k1"))
    await issuer.requested.wait()
    given_up.cancel()
    await asyncio.wait([given_up])
    issuer.responds.set()

    with pytest.raises(Unavailable):
        await cache.find("k1")
