"""How the pointer queue on Redis keeps its port's promises: scripts, keys, shared commands."""

import asyncio
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers, open_redis
from tests.contracts.pointer_queue.samples import LEASE, claimed, job, jobs, names
from tests.providers import WIRE

SHORT = timedelta(milliseconds=50)
AT_ONCE = timedelta()


async def calls(redis: Redis, command: str) -> int:
    """How often the server was called, in all."""
    statistics: dict[str, Any] = await redis.info("commandstats")
    return int(statistics.get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def keys_with(redis: Redis, prefix: str) -> set[str]:
    keys: list[str | bytes] = [*await redis.keys(f"*{prefix}*")]
    return {key.decode() if isinstance(key, bytes) else key for key in keys}


async def until_blocked(redis: Redis, clients: int) -> None:
    async with asyncio.timeout(5):
        while (await redis.info("clients"))["blocked_clients"] < clients:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_scripts_that_the_server_forgot_are_loaded_again(
    redis: Redis, queue: RedisPointerQueue
) -> None:
    await queue.enqueue(jobs("a"))

    await redis.script_flush()
    await queue.enqueue(jobs("b"))
    await redis.script_flush()
    claims = await claimed(queue, 2)
    await redis.script_flush()
    assert await asyncio.gather(*map(queue.acknowledge, claims)) == [True, True]


async def test_all_keys_lie_in_one_slot_of_a_cluster_and_none_is_left_behind(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue([*jobs(*"abcdefg"), job("x", tenant="globex")])
    a, _, b, c, d = await queue.claim(5, SHORT)
    await queue.bury(a, "broken")
    await queue.retry(b, AT_ONCE, "away")
    await queue.defer(c, SHORT, "throttled")
    await queue.release(d)

    keys = await keys_with(redis, prefix)
    assert len(keys) > 15
    assert all(key.startswith(f"{{{prefix}:0}}:") for key in keys)

    await queue.redrive(["a"])
    async with asyncio.timeout(10):
        while claims := await queue.claim(9, SHORT, wait=2 * SHORT):
            await asyncio.gather(*map(queue.acknowledge, claims))
    assert await keys_with(redis, prefix) <= {f"{{{prefix}:0}}:token", f"{{{prefix}:0}}:wake"}


async def test_partitions_do_not_see_each_other(servers: Servers, prefix: str) -> None:
    first = RedisPointerQueue(servers, WIRE, prefix=prefix, partition=0)
    second = RedisPointerQueue(servers, WIRE, prefix=prefix, partition=1)
    await first.enqueue(jobs("a"))

    assert await names(second) == []
    assert await names(first) == ["a"]


async def test_tokens_rise_even_after_a_fail_over_that_forgot_the_last_one(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("a", "b"))
    [before] = await claimed(queue)

    await redis.delete(f"{{{prefix}:0}}:token")

    [after] = await claimed(queue)
    assert after.token > before.token


async def test_callers_at_the_same_time_share_a_command(
    redis: Redis, queue: RedisPointerQueue
) -> None:
    await queue.enqueue(jobs("warm"))
    before = await calls(redis, "evalsha")

    answers = await asyncio.gather(*(queue.enqueue(jobs(f"j{n}", "warm")) for n in range(64)))

    assert answers == [[f"j{n}"] for n in range(64)]
    assert await calls(redis, "evalsha") - before <= 3


async def test_settlements_at_the_same_time_share_a_command(
    redis: Redis, queue: RedisPointerQueue
) -> None:
    await queue.enqueue([job(f"j{n}", mailbox=f"m{n}") for n in range(64)])
    claims = await claimed(queue, 64)
    await queue.release(claims[7])
    before = await calls(redis, "evalsha")

    answers = await asyncio.gather(*map(queue.acknowledge, claims))

    assert answers == [n != 7 for n in range(64)]
    assert await calls(redis, "evalsha") - before <= 3


async def test_a_cancelled_caller_spoils_nothing_for_the_others(
    queue: RedisPointerQueue,
) -> None:
    for n in range(20):
        callers = [asyncio.create_task(queue.enqueue(jobs(f"{n}-{k}"))) for k in range(3)]
        for _ in range(n % 5):
            await asyncio.sleep(0)

        callers[1].cancel()

        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert answers[0] == [f"{n}-0"]
        assert answers[2] == [f"{n}-2"]
    assert len(await queue.statistics()) == 1


async def test_a_caller_that_is_cancelled_on_the_way_has_queued_its_job(
    queue: RedisPointerQueue,
) -> None:
    caller = asyncio.create_task(queue.enqueue(jobs("a")))
    await asyncio.sleep(0)

    caller.cancel()

    claims = await queue.claim(1, LEASE, wait=timedelta(seconds=1))
    assert [claim.job.id for claim in claims] == ["a"]


async def test_whoever_waits_is_woken_by_another_process(
    redis: Redis, queue: RedisPointerQueue, redis_url: str, prefix: str
) -> None:
    async with open_redis(redis_url) as other:
        elsewhere = RedisPointerQueue(other, WIRE, prefix=prefix)
        waiting = asyncio.create_task(queue.claim(1, LEASE, wait=timedelta(seconds=10)))
        await until_blocked(redis, 1)

        await elsewhere.enqueue(jobs("a"))

        async with asyncio.timeout(0.5):
            [claim] = await waiting
    assert claim.job.id == "a"


async def test_waiting_is_not_polling(redis: Redis, queue: RedisPointerQueue) -> None:
    await queue.claim(1, LEASE)
    before = await calls(redis, "evalsha"), await calls(redis, "blpop")

    await queue.claim(1, LEASE, wait=timedelta(seconds=0.3))

    after = await calls(redis, "evalsha"), await calls(redis, "blpop")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 1)


async def test_whoever_waits_is_heard_of_several_times_in_a_lease(
    redis: Redis, queue: RedisPointerQueue
) -> None:
    before = await calls(redis, "evalsha")

    await queue.claim(1, timedelta(seconds=0.3), wait=timedelta(seconds=0.9))

    assert await calls(redis, "evalsha") - before > 4


async def test_a_claim_that_waits_ends_when_it_is_cancelled_at_whatever_moment(
    queue: RedisPointerQueue,
) -> None:
    await queue.statistics()  # so that there is a connection

    for moments in range(60):
        claiming = asyncio.create_task(queue.claim(1, LEASE, wait=timedelta(seconds=5)))
        for _ in range(moments):
            await asyncio.sleep(0)
        claiming.cancel()
        await asyncio.wait([claiming], timeout=0.5)

        assert claiming.cancelled()
