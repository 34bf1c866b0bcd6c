"""What every BlobCanaries promises."""

from datetime import timedelta

import pytest

from postroom.application.ports import BlobCanaries, Canary
from tests.contracts.conftest import Storage
from tests.contracts.samples import NOON

PORTS = {BlobCanaries}

LONG_AGO = NOON - timedelta(days=1)


@pytest.fixture
def canaries(storage: Storage) -> BlobCanaries:
    return storage.blob_canaries


def canary(host: str = "one", pid: int = 1, key: str = "k", *, minutes: int = 0) -> Canary:
    return Canary(host, pid, key, NOON + timedelta(minutes=minutes))


async def store(canaries: BlobCanaries, *stored: Canary, minutes: int = 0) -> None:
    for each in stored:
        now = NOON + timedelta(minutes=minutes)
        await canaries.store(each, now=now, gone_before=LONG_AGO)


async def test_of_each_host_the_newest_is_found(canaries: BlobCanaries) -> None:
    newest = canary("two", 7, minutes=2), canary("one", 1, minutes=1)
    await store(canaries, canary("one", 2), *newest, canary("two", 9, minutes=-1))

    assert await canaries.newest(seen_since=NOON) == sorted(newest, key=lambda each: each.host)


async def test_a_process_has_one(canaries: BlobCanaries) -> None:
    await store(canaries, canary(key="a", minutes=1), canary(key="b"))

    assert await canaries.newest(seen_since=NOON) == [canary(key="b")]


async def test_a_process_that_was_not_seen_is_passed_over(canaries: BlobCanaries) -> None:
    await store(canaries, canary("gone", minutes=5), canary("one", 1, minutes=5))
    await store(canaries, canary("one", 2), minutes=3)

    found = await canaries.newest(seen_since=NOON + timedelta(minutes=3))

    assert found == [canary("one", 2)]


async def test_a_process_that_is_gone_is_forgotten(canaries: BlobCanaries) -> None:
    await store(canaries, canary("gone"))
    now = NOON + timedelta(minutes=1)
    await canaries.store(canary("one"), now=now, gone_before=now)

    assert await canaries.newest(seen_since=LONG_AGO) == [canary("one")]


async def test_where_none_was_written_there_is_none(canaries: BlobCanaries) -> None:
    assert await canaries.newest(seen_since=LONG_AGO) == []
