"""What every QueueHeartbeat promises."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from postroom.adapters.memory.heartbeat import InMemoryQueueHeartbeat
from postroom.adapters.redis.heartbeat import RedisQueueHeartbeat
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import Beaten, QueueHeartbeat

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
    assert await heartbeat.beat(1) == Beaten(None)


async def test_each_beat_returns_the_last(heartbeat: QueueHeartbeat) -> None:
    numbers = [7, 8, 1_000, 2**53 - 1]

    before = [await heartbeat.beat(number) for number in numbers]
    assert before == [Beaten(number) for number in (None, *numbers[:-1])]


async def test_a_number_that_comes_late_takes_no_higher_ones_place(
    heartbeat: QueueHeartbeat,
) -> None:
    await heartbeat.beat(8)

    assert [await heartbeat.beat(number) for number in (7, 8, 9)] == [Beaten(8)] * 3


async def test_what_is_below_the_floor_stays_until_there_is_none(
    heartbeat: QueueHeartbeat,
) -> None:
    assert [await heartbeat.beat(5, floor=3) for _ in range(2)] == [Beaten(None)] * 2

    await heartbeat.beat(5)

    assert await heartbeat.beat(8, floor=6) == Beaten(5)
    assert await heartbeat.beat(8, floor=5) == Beaten(5)
    assert await heartbeat.beat(9, floor=8) == Beaten(8)


@pytest.mark.parametrize(
    ("before", "floor", "lost"),
    [
        (Beaten(None), 0, False),
        (Beaten(7, is_taken_over=True), 0, False),
        (Beaten(None), 7, True),
        (Beaten(6), 7, True),
        (Beaten(7), 7, False),
        (Beaten(8), 7, False),
        (Beaten(8, is_taken_over=True), 7, True),
    ],
)
def test_what_a_queue_held_says_whether_it_has_lost_something(
    before: Beaten, floor: int, *, lost: bool
) -> None:
    assert before.has_lost(floor) is lost
