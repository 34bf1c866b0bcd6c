"""Who is asked where the primary is, and what is told if nobody knows."""

from collections.abc import Iterator
from typing import cast

import pytest
from redis.asyncio.connection import AbstractConnection

from postroom.adapters.embedded.binaries import find_valkey
from postroom.adapters.redis.address import Node
from postroom.adapters.redis.discovery import Sentinels
from postroom.adapters.redis.durability import RedisHealth
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.domain.failure import Unavailable
from tests.contracts.pointer_queue.samples import jobs, names
from tests.providers import WIRE
from tests.redis_servers import SERVICE, WatchedPair

NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedPair]:
    with WatchedPair(find_valkey(), tmp_path_factory.mktemp("pair")) as pair:
        yield pair


async def test_the_sentinels_that_are_away_are_passed_over(pair: WatchedPair, prefix: str) -> None:
    async with open_redis(f"redis+sentinel://{NOBODY},{pair.sentinel.node}/{SERVICE}") as servers:
        for name in ("a", "b"):
            queue = RedisPointerQueue(servers, WIRE, prefix=prefix)
            await queue.enqueue(jobs(name))
            assert await names(queue) == [name]
            await servers.holding("").connection_pool.disconnect()


class Witness:
    """A connection to a Sentinel that says where the primary is."""

    async def connect(self) -> None: ...

    async def send_command(self, *command: str) -> None:
        assert command == ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)

    async def read_response(self) -> list[bytes]:
        return [b"primary", b"6379"]

    async def disconnect(self) -> None: ...


async def test_those_who_know_are_asked_in_turn() -> None:
    asked: list[Node] = []

    def connect(node: Node) -> AbstractConnection:
        asked.append(node)
        return cast("AbstractConnection", Witness())

    nodes = [("a", 1), ("b", 2), ("c", 3)]
    sentinels = Sentinels(nodes, SERVICE, connect)
    for _ in nodes:
        assert await sentinels.primary("any key") == ("primary", 6379)

    assert sorted(asked) == nodes


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"redis+sentinel://{NOBODY}/{SERVICE}", "no Sentinel of POSTROOM_REDIS_URL answers"),
        ("redis+sentinel://{sentinel}/other", "do not know the service"),
        (f"redis+sentinel://{{primary}}/{SERVICE}", "does not name Sentinels"),
        (
            f"redis+sentinel://{{sentinel}}/{SERVICE}?sentinel_username=me&sentinel_password=hush",
            "refuses the user",
        ),
        (f"redis+sentinel://:hush@{{sentinel}}/{SERVICE}", "refuses the user"),
        (f"redis+cluster://{NOBODY}", "no node of the Redis cluster answers"),
        ("redis+cluster://{primary}", "Redis is no cluster"),
        ("redis+cluster://:hush@{primary}", "refuses the user"),
        ("redis://{replica}", "Redis is a replica"),
        (f"redis://{NOBODY}", "cannot be reached"),
    ],
)
async def test_what_is_wrong_with_an_address_is_told(
    pair: WatchedPair, url: str, told: str
) -> None:
    address = url.format(
        sentinel=pair.sentinel.node, primary=pair.primary.node, replica=pair.replica.node
    )

    async with open_redis(address) as servers:
        with pytest.raises(Unavailable, match=told) as refused:
            await RedisHealth(servers)()

    assert "hush" not in str(refused.value)


async def test_callers_are_told_the_same_when_it_does_not_pass(pair: WatchedPair) -> None:
    async with open_redis(f"redis+sentinel://{pair.sentinel.node}/other") as servers:
        with pytest.raises(Unavailable, match="do not know the service"):
            await RedisPointerQueue(servers, WIRE).enqueue(jobs("a"))
