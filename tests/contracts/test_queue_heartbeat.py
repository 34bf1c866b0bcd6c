"""What every QueueHeartbeat promises."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from postroom.adapters.memory.heartbeat import InMemoryQueueHeartbeat
from postroom.adapters.redis.heartbeat import RedisQueueHeartbeat
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import QueueHeartbeat

PORTS = {QueueHeartbeat}


@pytest.fixture(params=[1, 3], ids=["whole", "partitions"])
async def heartbeat(
    request: pytest.FixtureRequest, server_url: str
) -> AsyncIterator[QueueHeartbeat]:
    if not server_url:
        yield InMemoryQueueHeartbeat()
        return
    async with open_redis(server_url) as servers:
        yield RedisQueueHeartbeat(servers, prefix=uuid4().hex, partitions=request.param)


async def test_a_queue_that_never_beat_holds_nothing(heartbeat: QueueHeartbeat) -> None:
    assert await heartbeat.beat(1) is None


async def test_each_beat_returns_the_last(heartbeat: QueueHeartbeat) -> None:
    numbers = [7, 8, 1_000, 2**53 - 1]

    assert [await heartbeat.beat(number) for number in numbers] == [None, *numbers[:-1]]


async def test_a_number_that_comes_late_takes_no_higher_ones_place(
    heartbeat: QueueHeartbeat,
) -> None:
    await heartbeat.beat(8)

    assert await heartbeat.beat(7) == 8
    assert await heartbeat.beat(8) == 8
    assert await heartbeat.beat(9) == 8
