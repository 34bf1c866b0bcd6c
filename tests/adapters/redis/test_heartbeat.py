"""What the heartbeat says of a Redis that came back as another than it was."""

import os
import signal

import pytest
from redis.asyncio import Redis

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.heartbeat import RedisQueueHeartbeat
from postroom.adapters.redis.scripts import Scripts, no_offset, root_of
from postroom.adapters.redis.servers import Servers, open_redis
from postroom.domain.failure import Unavailable

PARTITIONS = 3


@pytest.fixture
def heartbeat(servers: Servers, prefix: str) -> RedisQueueHeartbeat:
    return RedisQueueHeartbeat(servers, prefix=prefix, partitions=PARTITIONS)


async def test_a_partition_that_has_lost_its_keys_is_noticed(
    redis: Redis, heartbeat: RedisQueueHeartbeat, prefix: str
) -> None:
    await heartbeat.beat(1)
    await redis.delete(f"{{{prefix}:2}}:beat")

    assert await heartbeat.beat(2) is None
    assert await heartbeat.beat(3) == 2


async def test_a_partition_that_is_as_it_was_before_is_noticed(
    redis: Redis, heartbeat: RedisQueueHeartbeat, prefix: str
) -> None:
    await heartbeat.beat(1)
    earlier = await redis.dump(f"{{{prefix}:1}}:beat")
    assert earlier
    for number in (2, 3):
        await heartbeat.beat(number)
    await redis.restore(f"{{{prefix}:1}}:beat", 0, earlier, replace=True)

    assert await heartbeat.beat(4) == 1
    assert await heartbeat.beat(5) == 4


async def test_a_beat_that_is_sent_again_says_what_the_first_would_have_said(
    servers: Servers, prefix: str
) -> None:
    """Its reply was lost, and with it that the queue was empty."""
    root = root_of(prefix, 0)
    scripts = Scripts(servers.holding(root), root, no_offset)

    assert [await scripts.run("beat", 5, "a call") for _ in range(2)] == [b"", b""]
    assert [await scripts.run("beat", 6, "another") for _ in range(2)] == [b"5", b"5"]


async def test_a_number_survives_a_kill_of_the_server(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        heartbeat = RedisQueueHeartbeat(servers)
        await heartbeat.beat(1)

        os.kill(int((server.home / "valkey.pid").read_text()), signal.SIGKILL)
        server.stop()
        with pytest.raises(Unavailable):
            await heartbeat.beat(2)
        server.start()

        assert await heartbeat.beat(3) == 1
