"""The queue in a Redis Cluster: its slot moves, its servers are full, and one may not do."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from postroom.adapters.redis.durability import RedisHealth
from postroom.adapters.redis.errors import translated
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.scripts import root_of
from postroom.adapters.redis.servers import Servers, open_redis
from postroom.domain.failure import Unavailable
from tests.contracts.pointer_queue.samples import LEASE, claimed, jobs, names
from tests.engines import REDIS_SERVERS, redis_program
from tests.providers import WIRE
from tests.queue_load import under_load
from tests.redis_servers import RedisCluster, slot_of


@pytest.fixture(scope="module", params=REDIS_SERVERS)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisCluster]:
    with RedisCluster(redis_program(request.param), tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


async def look_for(servers: Servers, prefix: str) -> None:
    """Ask for a key of the queue, once. (A script would be sent again for a while.)"""
    root = root_of(prefix, 0)
    with translated():
        await servers.holding(root).get(root)


async def test_a_slot_may_be_moved_key_by_key_under_load(
    cluster: RedisCluster, prefix: str
) -> None:
    await move_under_load(cluster, prefix, cluster.move)


@pytest.mark.parametrize("cluster", ["valkey"], indirect=True)
async def test_a_slot_may_be_moved_at_once_under_load(cluster: RedisCluster, prefix: str) -> None:
    await move_under_load(cluster, prefix, cluster.move_at_once)


async def move_under_load(cluster: RedisCluster, prefix: str, move: Callable[[str], None]) -> None:
    async with open_redis(cluster.url) as servers:
        queue = RedisPointerQueue(servers, WIRE, prefix=prefix)
        async with under_load(queue) as load:
            await load.more_are_acknowledged(500)
            await asyncio.to_thread(move, prefix)
            await load.more_are_acknowledged(500)

    assert not load.lost
    assert not load.done_twice
    assert load.tokens_rise()


async def test_while_a_slot_is_on_the_move_the_queue_says_so(
    cluster: RedisCluster, prefix: str
) -> None:
    async with open_redis(cluster.url) as servers:
        queue = RedisPointerQueue(servers, WIRE, prefix=prefix)
        await queue.enqueue(jobs("a", "b"))
        [a] = await claimed(queue)

        with cluster.on_the_move(prefix):
            answers = await asyncio.gather(
                queue.enqueue(jobs("c")),
                queue.claim(1, LEASE),
                queue.acknowledge(a),
                return_exceptions=True,
            )

        assert {str(answer) for answer in answers} == {
            "the slot of the queue is being moved to another server"
        }
        assert await names(queue) == ["b"]
        assert await queue.acknowledge(a)


async def test_a_slot_that_nobody_serves_is_told_of(cluster: RedisCluster, prefix: str) -> None:
    holder = cluster.holder(prefix)
    holder.run("CONFIG", "SET", "cluster-require-full-coverage", "no")
    holder.run("CLUSTER", "DELSLOTS", slot_of(prefix))

    async with open_redis(cluster.url) as servers:
        with pytest.raises(Unavailable, match="see CLUSTER INFO"):
            await look_for(servers, prefix)


async def test_a_full_server_of_a_cluster_lets_its_jobs_be_worked_off(
    cluster: RedisCluster, prefix: str
) -> None:
    holder = cluster.holder(prefix)
    async with open_redis(cluster.url) as servers:
        queue = RedisPointerQueue(servers, WIRE, prefix=prefix)
        await queue.enqueue(jobs("a", "b", "c"))
        holder.run("CONFIG", "SET", "maxmemory", 1)

        with pytest.raises(Unavailable, match="the queue is full"):
            await queue.enqueue(jobs("d"))

        a, b, c = await claimed(queue, 3)
        assert await queue.renew([a, b, c], LEASE) == []
        assert await queue.acknowledge(a)
        assert await queue.release(b)
        assert await queue.bury(c, "broken")
        assert await names(queue) == ["b"]
        holder.run("CONFIG", "SET", "maxmemory", 0)


async def test_every_primary_of_a_cluster_is_judged(cluster: RedisCluster) -> None:
    async with open_redis(cluster.url) as servers:
        check = RedisHealth(servers)
        await check()
        for node in cluster.primaries:
            node.run("CONFIG", "SET", "appendfsync", "everysec")

            with pytest.raises(Unavailable, match="set appendfsync always"):
                await check()

            node.run("CONFIG", "SET", "appendfsync", "always")
        await check()


async def test_a_node_of_a_cluster_is_no_server_of_its_own(
    cluster: RedisCluster, prefix: str
) -> None:
    async with open_redis(cluster.another(prefix).url) as servers:
        with pytest.raises(Unavailable, match=r"begin POSTROOM_REDIS_URL with redis\+cluster://"):
            await look_for(servers, prefix)
        with pytest.raises(Unavailable, match=r"begin with redis\+cluster://"):
            await RedisHealth(servers)()


async def test_a_cluster_is_found_through_any_of_its_nodes(
    cluster: RedisCluster, prefix: str
) -> None:
    for node in cluster.nodes:
        async with open_redis(f"redis+cluster://127.0.0.1:1,{node.node}") as servers:
            assert await RedisPointerQueue(servers, WIRE, prefix=prefix).enqueue(jobs(node.node))
