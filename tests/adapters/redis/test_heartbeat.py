"""What the heartbeat says of a Redis that came back as another than it was."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from redis.asyncio import Redis

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.durability import Durability
from postroom.adapters.redis.heartbeat import RedisQueueHeartbeat
from postroom.adapters.redis.scripts import Scripts, no_offset, root_of
from postroom.adapters.redis.servers import Servers, open_redis
from postroom.application.ports import Beaten
from postroom.domain.failure import Unavailable
from tests.redis_servers import WatchedPair, until

PARTITIONS = 3


@pytest.fixture
def heartbeat(servers: Servers, prefix: str) -> RedisQueueHeartbeat:
    return RedisQueueHeartbeat(servers, prefix=prefix, partitions=PARTITIONS)


async def test_a_partition_that_has_lost_its_keys_is_noticed(
    redis: Redis, heartbeat: RedisQueueHeartbeat, prefix: str
) -> None:
    await heartbeat.beat(1)
    await redis.delete(f"{{{prefix}:2}}:beat")

    assert await heartbeat.beat(2) == Beaten(None)
    assert await heartbeat.beat(3) == Beaten(2)


async def test_a_partition_that_is_as_it_was_before_is_noticed(
    redis: Redis, heartbeat: RedisQueueHeartbeat, prefix: str
) -> None:
    await heartbeat.beat(1)
    earlier = await redis.dump(f"{{{prefix}:1}}:beat")
    assert earlier
    for number in (2, 3):
        await heartbeat.beat(number)
    await redis.restore(f"{{{prefix}:1}}:beat", 0, earlier, replace=True)

    assert await heartbeat.beat(4) == Beaten(1)
    assert await heartbeat.beat(5) == Beaten(4)


async def test_a_beat_that_is_sent_again_says_what_the_first_would_have_said(
    servers: Servers, prefix: str
) -> None:
    """Its reply was lost, and with it that the queue was empty."""
    root = root_of(prefix, 0)
    scripts = Scripts(servers.holding(root), root, no_offset)

    assert [await scripts.run("beat", 5, "a call", 0, 0) for _ in range(2)] == [[b"", 0]] * 2
    assert [await scripts.run("beat", 6, "another", 0, 0) for _ in range(2)] == [[b"5", 0]] * 2


async def test_a_number_survives_a_kill_of_the_server(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        heartbeat = RedisQueueHeartbeat(servers)
        await heartbeat.beat(1)

        os.kill(int((server.home / "valkey.pid").read_text()), signal.SIGKILL)
        server.stop()
        with pytest.raises(Unavailable):
            await heartbeat.beat(2)
        server.start()

        assert await heartbeat.beat(3, floor=1) == Beaten(1)


async def test_a_server_that_promises_less_than_fsync_may_lack_the_last_when_it_starts_again(
    server: EmbeddedValkey,
) -> None:
    async with open_redis(server.url) as servers:
        heartbeat = RedisQueueHeartbeat(servers, durability=Durability.EVERYSEC)
        assert [await heartbeat.beat(1), await heartbeat.beat(2)] == [Beaten(None), Beaten(1)]

        server.stop()
        server.start()

        assert [await heartbeat.beat(3, floor=2) for _ in range(2)] == [
            Beaten(2, is_taken_over=True)
        ] * 2
        assert [await heartbeat.beat(number) for number in (4, 5)] == [Beaten(2), Beaten(4)]


async def test_a_replica_that_takes_over_may_lack_what_its_primary_acknowledged_last(
    server_binary: Path, tmp_path: Path
) -> None:
    """The number has reached it, and says nothing of what came after."""
    with WatchedPair(server_binary, tmp_path) as pair:
        async with open_redis(pair.url) as servers:
            heartbeat = RedisQueueHeartbeat(servers)
            await heartbeat.beat(1)
            offset = pair.primary.facts()["master_repl_offset"]
            await asyncio.to_thread(
                until, lambda: pair.replica.facts()["slave_repl_offset"] >= offset
            )

            await asyncio.to_thread(pair.primary.kill)
            await asyncio.to_thread(until, lambda: pair.replica.facts()["role"] == "master")

            assert await _beat_when_there(heartbeat, 2, floor=1) == Beaten(1, is_taken_over=True)
            assert await heartbeat.beat(3) == Beaten(1)
            assert await heartbeat.beat(4, floor=3) == Beaten(3)


async def _beat_when_there(heartbeat: RedisQueueHeartbeat, number: int, *, floor: int) -> Beaten:
    async with asyncio.timeout(30):
        while True:
            try:
                return await heartbeat.beat(number, floor=floor)
            except Unavailable:
                await asyncio.sleep(0.1)
