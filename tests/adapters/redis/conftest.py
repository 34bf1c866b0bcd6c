"""A queue on each Redis, and servers to be ill-treated."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers, open_redis
from tests.engines import REDIS_SERVERS, redis_program
from tests.providers import WIRE


@pytest.fixture
async def servers(redis_url: str) -> AsyncIterator[Servers]:
    async with open_redis(redis_url) as servers:
        yield servers


@pytest.fixture
def redis(servers: Servers) -> Redis:
    """A client for what the queue does not do."""
    return servers.holding("")


@pytest.fixture
def prefix() -> str:
    return uuid4().hex


@pytest.fixture
def queue(servers: Servers, prefix: str) -> RedisPointerQueue:
    return RedisPointerQueue(servers, WIRE, prefix=prefix)


@pytest.fixture(params=REDIS_SERVERS)
def server_binary(request: pytest.FixtureRequest) -> Path:
    """The program of each kind of Redis in turn, for servers of the test's own."""
    return redis_program(request.param)


@pytest.fixture
def server(server_binary: Path, tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A server of the test's own, on a socket."""
    with EmbeddedValkey(tmp_path / "redis", server_binary) as server:
        yield server
