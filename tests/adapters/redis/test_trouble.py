"""What the pointer queue does when its server is away, full, a replica, or will not let us in."""

import asyncio
import os
import signal
from datetime import timedelta

import pytest

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.scripts import RESEND_WITHIN
from postroom.adapters.redis.servers import open_redis
from postroom.domain.failure import Unavailable
from tests.contracts.pointer_queue.samples import LEASE, claimed, dead_ids, jobs, names
from tests.providers import WIRE

SHORT = timedelta(milliseconds=50)
AT_ONCE = timedelta()
LATER = timedelta(days=1)
BUDGET = RESEND_WITHIN + 1.5
"""Seconds: what callers wait for a server that is away, and more for a busy machine."""


def kill(server: EmbeddedValkey, how: signal.Signals = signal.SIGKILL) -> None:
    os.kill(int((server.home / "valkey.pid").read_text()), how)


def restart(server: EmbeddedValkey) -> None:
    server.stop()
    server.start()


async def test_what_was_acknowledged_survives_a_kill_of_the_server(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        await queue.enqueue(jobs("settled", "in-flight", "delayed", "dead", "ready"))
        settled, _, delayed, dead = await claimed(queue, 4)
        await queue.acknowledge(settled)
        await queue.retry(delayed, LATER, "away")
        await queue.bury(dead, "broken")

        kill(server)
        restart(server)

        [lane] = await queue.statistics()
        assert (lane.ready, lane.delayed, lane.in_flight, lane.dead) == (1, 1, 1, 1)
        assert await names(queue) == ["ready"]
        assert await dead_ids(queue) == ["dead"]


async def test_a_server_that_comes_back_in_time_is_not_noticed(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        await queue.enqueue(jobs("a"))
        [claim] = await claimed(queue)
        kill(server)
        server.stop()

        waiting = [
            asyncio.create_task(queue.enqueue(jobs("b"))),
            asyncio.create_task(queue.acknowledge(claim)),
            asyncio.create_task(queue.renew([], LEASE)),
        ]
        await asyncio.to_thread(server.start)

        assert await asyncio.gather(*waiting) == [["b"], True, []]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_server_that_is_away_is_given_up_within_the_budget(
    server: EmbeddedValkey, how: signal.Signals
) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        await queue.enqueue(jobs("a"))
        [claim] = await claimed(queue)
        kill(server, how)
        try:
            async with asyncio.timeout(BUDGET):
                answers = await asyncio.gather(
                    *(queue.enqueue(jobs(f"j{n}")) for n in range(300)),
                    queue.claim(1, LEASE, wait=LEASE),
                    queue.acknowledge(claim),
                    queue.renew([claim], LEASE),
                    queue.statistics(),
                    queue.dead_letters(),
                    queue.dead_letter("a"),
                    queue.redrive(["a"]),
                    queue.purge(["a"]),
                    return_exceptions=True,
                )
        finally:
            if how is signal.SIGSTOP:
                kill(server, signal.SIGCONT)
    assert all(isinstance(answer, Unavailable) for answer in answers)


async def test_a_caller_that_comes_while_the_server_is_away_waits_no_longer_than_the_others(
    server: EmbeddedValkey,
) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        kill(server)
        first = asyncio.create_task(queue.enqueue(jobs("a")))
        await asyncio.sleep(RESEND_WITHIN / 2)
        late = asyncio.create_task(queue.enqueue(jobs("b")))

        async with asyncio.timeout(BUDGET - RESEND_WITHIN / 2):
            answers = await asyncio.gather(first, late, return_exceptions=True)

    assert all(isinstance(answer, Unavailable) for answer in answers)


async def test_a_full_server_takes_no_more_and_lets_its_jobs_be_worked_off(
    server: EmbeddedValkey,
) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        await queue.enqueue(jobs(*"abcdefgh"))
        await servers.holding("").config_set("maxmemory", 1)

        with pytest.raises(Unavailable, match="the queue is full"):
            await queue.enqueue(jobs("i", "j"))

        a, b, c, d = await claimed(queue, 9)
        assert await queue.renew([a, b, c, d], LEASE) == []
        assert await queue.acknowledge(a)
        assert await queue.retry(b, AT_ONCE, "away")
        assert await queue.release(c)
        assert await queue.bury(d, "broken")
        assert await names(queue) == ["b", "c", "e", "f"]
        with pytest.raises(Unavailable, match="the queue is full"):
            await queue.redrive(["d"])
        assert await dead_ids(queue) == ["d"]

        await servers.holding("").config_set("maxmemory", 0)
        assert await queue.redrive(["d"]) == ["d"]
        [lane] = await queue.statistics()
        assert lane.ready == 3


async def test_a_replica_is_named_as_what_it_is(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        await queue.enqueue(jobs("a"))
        await servers.holding("").replicaof("127.0.0.1", 1)

        answers = await asyncio.gather(
            queue.enqueue(jobs("b")), queue.claim(1, LEASE), return_exceptions=True
        )

    assert all("Redis is a replica" in str(answer) for answer in answers)


async def test_a_user_without_permission_is_told_so(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        await servers.holding("").acl_setuser(
            "guest", enabled=True, nopass=True, commands=["+ping", "+hello"]
        )
        guest = server.url.replace("unix://", "unix://guest:any@")
        async with open_redis(guest) as limited:
            with pytest.raises(Unavailable, match="lacks a permission"):
                await RedisPointerQueue(limited, WIRE).enqueue(jobs("a"))


async def test_a_wrong_password_is_told_of(server: EmbeddedValkey) -> None:
    stranger = server.url.replace("unix://", "unix://stranger:secret@")
    async with open_redis(stranger) as servers:
        with pytest.raises(Unavailable, match="refuses the user") as caught:
            await RedisPointerQueue(servers, WIRE).claim(1, LEASE)
    assert "secret" not in str(caught.value)


async def test_a_user_bound_to_the_queues_keys_can_do_everything(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        await servers.holding("").acl_setuser(
            "postroom", enabled=True, nopass=True, categories=["+@all"], keys=["{postroom:*"]
        )
    async with open_redis(server.url.replace("unix://", "unix://postroom:any@")) as servers:
        queue = RedisPointerQueue(servers, WIRE)
        await queue.enqueue(jobs("a", "b"))
        a, b = await claimed(queue, 2)
        await queue.acknowledge(a)
        await queue.bury(b, "broken")
        await queue.redrive(["b"])
        assert await queue.claim(1, LEASE, wait=SHORT)
        assert await queue.statistics()
