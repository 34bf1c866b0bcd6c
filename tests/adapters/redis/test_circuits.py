"""How circuit breakers lie on Redis, and what becomes of them there."""

import asyncio
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.circuits import RedisCircuitStore
from postroom.adapters.redis.servers import Servers, open_redis
from postroom.domain.circuit import Circuit
from postroom.domain.failure import Unavailable

SOURCE = "graph.microsoft.com"
OPEN = Circuit(("acme/support", "acme/sales"), datetime(2030, 1, 1, tzinfo=UTC))


@pytest.fixture
def circuits(servers: Servers, prefix: str) -> RedisCircuitStore:
    return RedisCircuitStore(servers, prefix=prefix)


def key_of(prefix: str) -> str:
    return f"{{{prefix}:circuits}}:stored"


async def test_a_circuit_lies_in_the_hash_as_the_next_release_must_be_able_to_read_it(
    redis: Redis, circuits: RedisCircuitStore, prefix: str
) -> None:
    await circuits.save(SOURCE, Circuit(), OPEN)

    packed = b'[["acme/support", "acme/sales"], 1893456000000000, null]'
    assert await redis.hgetall(key_of(prefix)) == {SOURCE.encode(): packed}


@pytest.mark.parametrize(
    "text", ["Dear Ann", "{}", "[]", '["acme",1,2]', "[[],1,2,3]", '[[],"1",2]', f"[[],{10**25},1]"]
)
async def test_one_that_cannot_be_read_is_forgotten(
    redis: Redis, circuits: RedisCircuitStore, prefix: str, text: str
) -> None:
    await circuits.save("another", Circuit(), OPEN)
    await redis.hset(key_of(prefix), SOURCE, text)

    assert await circuits.all() == {"another": OPEN}
    circuit, _ = await circuits.load(SOURCE)

    assert circuit == Circuit()
    assert await circuits.save(SOURCE, Circuit(), OPEN)


async def test_circuits_that_are_lost_with_the_server_are_circuits_of_sources_that_work(
    redis: Redis, circuits: RedisCircuitStore, prefix: str
) -> None:
    await circuits.save(SOURCE, Circuit(), OPEN)

    await redis.delete(key_of(prefix))

    assert not await circuits.save(SOURCE, OPEN, Circuit(("acme/support",)))
    circuit, _ = await circuits.load(SOURCE)
    assert circuit == Circuit()


async def test_processes_share_them(servers: Servers, prefix: str) -> None:
    first, second = (RedisCircuitStore(servers, prefix=prefix) for _ in range(2))

    assert await first.save(SOURCE, Circuit(), OPEN)

    assert await second.all() == {SOURCE: OPEN}
    assert not await second.save(SOURCE, Circuit(), Circuit(("globex/desk",)))


async def test_a_server_that_is_away_is_told_of(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        circuits = RedisCircuitStore(servers)
        server.stop()

        answers = await asyncio.gather(
            circuits.load(SOURCE),
            circuits.save(SOURCE, Circuit(), OPEN),
            circuits.all(),
            return_exceptions=True,
        )

    assert all(isinstance(answer, Unavailable) for answer in answers)
