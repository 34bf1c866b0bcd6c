"""What becomes of a queue when another server takes it over from the one that held it.

Replication is asynchronous: what a server acknowledged last may not have reached its replica, and
is lost. What has reached it is neither lost nor done again.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from postroom.adapters.redis.durability import RedisHealth
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from tests.providers import WIRE
from tests.queue_load import Load, under_load
from tests.redis_servers import SERVICE, RedisCluster, RedisProcess, WatchedPair, until


@dataclass(frozen=True)
class Stage:
    """Who holds the queue, and who will."""

    url: str
    primary: RedisProcess
    replica: RedisProcess
    prefix: str = "postroom"
    sentinel: RedisProcess | None = None


@pytest.fixture(params=["sentinel", "cluster"])
def stage(request: pytest.FixtureRequest, server_binary: Path, tmp_path: Path) -> Iterator[Stage]:
    if request.param == "sentinel":
        with WatchedPair(server_binary, tmp_path) as pair:
            yield Stage(pair.url, pair.primary, pair.replica, sentinel=pair.sentinel)
        return
    with RedisCluster(server_binary, tmp_path, replicas=1) as cluster:
        primary, replica = cluster.nodes[0], cluster.nodes[-1]
        names = (f"q{number}" for number in count())
        prefix = next(name for name in names if cluster.holder(name) is primary)
        # The others must be learnt of while there is time.
        yield Stage(f"redis+cluster://{primary.node}", primary, replica, prefix)


@dataclass(frozen=True)
class Safe:
    """What has reached the replica."""

    acknowledged: set[str]
    settled: set[str]
    claims: int


async def what_is_safe(load: Load, stage: Stage) -> Safe:
    settled = set(+load.settled) & load.acknowledged
    safe = Safe(set(load.acknowledged), settled, len(load.claims))
    offset = stage.primary.facts()["master_repl_offset"]
    await asyncio.to_thread(until, lambda: stage.replica.facts()["slave_repl_offset"] >= offset)
    return safe


async def test_the_queue_goes_on_when_its_server_is_killed(stage: Stage) -> None:
    await go_on(stage, stage.primary.kill)


@pytest.mark.parametrize("stage", ["sentinel"], indirect=True)
async def test_the_queue_goes_on_when_its_server_becomes_a_replica(stage: Stage) -> None:
    sentinel = stage.sentinel
    assert sentinel is not None

    def make_it_a_replica() -> None:
        until(lambda: sentinel.run("SENTINEL", "FAILOVER", SERVICE))

    await go_on(stage, make_it_a_replica)


async def go_on(stage: Stage, replace: Callable[[], object]) -> None:
    async with open_redis(stage.url) as servers:
        queue = RedisPointerQueue(servers, WIRE, prefix=stage.prefix)
        async with under_load(queue) as load:
            await load.more_are_acknowledged(500)
            safe = await what_is_safe(load, stage)
            await asyncio.to_thread(replace)
            await asyncio.to_thread(until, lambda: stage.replica.facts()["role"] == "master")
            await load.more_are_acknowledged(500)

        await RedisHealth(servers)()

    claimed_later = {claim.job.id for claim in load.claims[safe.claims :]}
    assert len(safe.acknowledged) >= 500
    # What was being settled may be settled, though nobody was left to say so.
    assert safe.acknowledged.isdisjoint(load.lost - load.unanswered), "lost"
    assert claimed_later.isdisjoint(safe.settled), "done again"
    assert load.tokens_rise()
