"""A server that is killed, stopped or made to forget its scripts while 64 callers enqueue.

A kill loses what the server had not written to its append-only file before it answered. (For the
fsync, which a crash of the host would need, see docs/adr/0020.)
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from tests.providers import WIRE
from tests.queue_load import killed_under_load, under_load
from tests.redis_servers import RedisProcess

KILLS = 3


@pytest.fixture
def lone(server_binary: Path, tmp_path: Path) -> Iterator[RedisProcess]:
    with RedisProcess(server_binary, tmp_path / "redis") as server:
        yield server


async def test_no_kill_loses_a_job_that_was_acknowledged(lone: RedisProcess) -> None:
    async with open_redis(lone.url) as servers:
        for number in range(KILLS):
            queue = RedisPointerQueue(servers, WIRE, prefix=f"kill-{number}")

            load = await killed_under_load(queue, lone)

            assert len(load.acknowledged) >= 1000
            assert not load.lost
            assert not load.done_twice
            assert load.tokens_rise()


async def test_a_server_may_be_restarted_under_load(lone: RedisProcess) -> None:
    async with (
        open_redis(lone.url) as servers,
        under_load(RedisPointerQueue(servers, WIRE)) as load,
    ):
        await load.more_are_acknowledged(500)
        await asyncio.to_thread(lone.stop)
        await asyncio.to_thread(lone.start)
        await load.more_are_acknowledged(500)

    assert not load.lost
    assert not load.done_twice


async def test_a_server_may_forget_the_scripts_under_load(lone: RedisProcess) -> None:
    async with (
        open_redis(lone.url) as servers,
        under_load(RedisPointerQueue(servers, WIRE)) as load,
    ):
        for _ in range(5):
            await load.more_are_acknowledged(100)
            lone.run("SCRIPT", "FLUSH")

    assert not load.lost
    assert not load.refusals
    assert set(load.settled.values()) == {1}
