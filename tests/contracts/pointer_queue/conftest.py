"""The queue, in memory, on each Redis, over both protocols, and on a cluster."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.redis.partitions import redis_queue
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import Claim, PointerQueue
from tests.contracts.pointer_queue.samples import LEASE, job
from tests.providers import WIRE


@asynccontextmanager
async def open_queue(
    server_url: str, clock: ManualClock, *, cap: int = 4, partitions: int = 1
) -> AsyncIterator[PointerQueue]:
    """A queue for which it is as late as *clock* says."""
    if not server_url:
        yield InMemoryPointerQueue(clock, cap=cap)
        return
    async with open_redis(server_url) as servers:
        yield redis_queue(
            servers,
            WIRE,
            prefix=uuid4().hex,
            partitions=partitions,
            cap=cap,
            ahead=lambda: clock.now() - SystemClock().now(),
        )


@pytest.fixture
async def queue(server_url: str, clock: ManualClock) -> AsyncIterator[PointerQueue]:
    async with open_queue(server_url, clock) as queue:
        yield queue


@pytest.fixture
async def ticking_queue(server_url: str) -> AsyncIterator[PointerQueue]:
    """A queue for which it is as late as it is."""
    if not server_url:
        yield InMemoryPointerQueue(SystemClock())
        return
    async with open_redis(server_url) as servers:
        yield RedisPointerQueue(servers, WIRE, prefix=uuid4().hex)


@pytest.fixture
async def claim(queue: PointerQueue) -> Claim:
    """The first claim of the job `first`."""
    await queue.enqueue([job("first")])
    [claim] = await queue.claim(1, LEASE)
    return claim
