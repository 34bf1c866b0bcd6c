"""Dead letters on Redis: what cannot be read, what a call costs, and a server that is full."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.application.dead_letter_pages import LOOKED_AT
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.failure import Unavailable
from tests.contracts.pointer_queue.samples import claimed, dead_ids, job, jobs
from tests.providers import WIRE


async def bury(queue: RedisPointerQueue, *names: str, mailboxes: bool = False) -> None:
    await queue.enqueue([job(name, mailbox=name if mailboxes else "support") for name in names])
    while claims := await claimed(queue, 100):
        await asyncio.gather(*(queue.bury(claim, "broken") for claim in claims))


async def commands(redis: Redis) -> int:
    """How many a client has sent in all, besides this one."""
    statistics: dict[str, Any] = await redis.info("commandstats")
    return sum(
        int(statistics.get(f"cmdstat_{name}", {"calls": 0})["calls"])
        for name in ("evalsha", "eval")
    )


async def make_unreadable(redis: Redis, queue: RedisPointerQueue, prefix: str) -> None:
    """Leaves three dead letters: two that cannot be read, and `good`."""
    await queue.enqueue(jobs("bad", "gone", "good"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "bad", b"Dear Ann, \xff")
    await redis.hdel(f"{{{prefix}:0}}:jobs", "gone")
    await bury_all(queue)


async def bury_all(queue: RedisPointerQueue) -> None:
    """As a worker would that can handle none of them."""
    for claim in await claimed(queue, 100):
        await queue.bury(claim, claim.unreadable or "broken")


# --- What cannot be read


async def test_an_unreadable_letter_is_listed_and_shown(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await make_unreadable(redis, queue, prefix)

    letters = (await queue.dead_letters()).letters

    assert {letter.id: letter.job is None for letter in letters} == {
        "bad": True,
        "gone": True,
        "good": False,
    }
    for letter in letters:
        assert await queue.dead_letter(letter.id) == letter


async def test_an_unreadable_letter_has_no_provider(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await make_unreadable(redis, queue, prefix)

    assert await dead_ids(queue, DeadLetterFilter(provider="imap")) == ["good"]
    unreadable = await dead_ids(queue, DeadLetterFilter(reason="unreadable record"))
    assert sorted(unreadable) == ["bad", "gone"]


async def test_an_unreadable_letter_that_is_redriven_dies_again_and_stops_nothing(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await make_unreadable(redis, queue, prefix)

    assert await queue.redrive(["bad", "gone", "good"]) == ["bad", "gone", "good"]

    await bury_all(queue)
    assert sorted(await dead_ids(queue)) == ["bad", "gone", "good"]
    letter = await queue.dead_letter("gone")
    assert letter
    assert letter.attempts == 1
    unreadable = "unreadable record: json_invalid"
    assert [reason for _, reason in letter.reasons] == [unreadable, "redriven", unreadable]


async def test_an_unreadable_letter_is_purged(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await make_unreadable(redis, queue, prefix)

    assert await queue.purge(["bad", "gone"]) == ["bad", "gone"]

    assert await dead_ids(queue) == ["good"]


async def test_a_letter_without_a_record_stops_nothing(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await bury(queue, "a", "b")
    await redis.hdel(f"{{{prefix}:0}}:dead:jobs", "a")

    assert await dead_ids(queue) == ["b", "a"]
    letter = await queue.dead_letter("a")
    assert letter
    assert letter.job is None
    assert await queue.redrive(["a", "b"]) == ["a", "b"]
    await bury_all(queue)
    assert sorted(await dead_ids(queue)) == ["a", "b"]
    assert await queue.purge(["a"]) == ["a"]


# --- What it costs


async def test_each_call_is_one_round_trip(redis: Redis, queue: RedisPointerQueue) -> None:
    names = [f"j{n}" for n in range(LOOKED_AT + 50)]
    await bury(queue, *names, mailboxes=True)
    await queue.dead_letter("j0")
    await queue.purge(["unknown"])
    await queue.redrive(["unknown"])
    await queue.dead_letters()

    for call in (
        lambda: queue.dead_letters(DeadLetterFilter(tenant="none"), limit=1000),
        lambda: queue.dead_letter("j1"),
        lambda: queue.redrive(names[:100]),
        lambda: queue.purge(names[100:200]),
    ):
        before = await commands(redis)
        await call()
        assert await commands(redis) == before + 1


async def test_nothing_of_a_purged_letter_is_left_behind(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await bury(queue, "a", "b")
    await queue.purge(["a", "b"])
    await queue.claim(1, timedelta(seconds=1))  # which finds its lane empty

    keys: list[str | bytes] = [*await redis.keys(f"*{prefix}*")]
    left = {key.decode() if isinstance(key, bytes) else key for key in keys}
    assert left <= {f"{{{prefix}:0}}:token", f"{{{prefix}:0}}:wake"}


# --- A server that is full


async def test_a_full_server_refuses_a_whole_batch_and_can_be_purged(
    server: EmbeddedValkey,
) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        await bury(queue, "a", "b", "c")
        await servers.holding("").config_set("maxmemory", 1)

        with pytest.raises(Unavailable, match="the queue is full"):
            await queue.redrive(["a", "b"])
        assert await queue.purge(["c"]) == ["c"]

        assert await dead_ids(queue) == ["b", "a"]
        assert await queue.dead_letter("a")
        await servers.holding("").config_set("maxmemory", 0)
        assert await queue.redrive(["a", "b"]) == ["a", "b"]
