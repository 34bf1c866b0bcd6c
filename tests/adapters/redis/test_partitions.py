"""A queue over several partitions: what it promises beyond the model (test_model.py)."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from postroom.adapters.redis.partitions import PartitionedPointerQueue, redis_queue
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers
from postroom.application.ports import Claim, PointerQueue
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import InvalidPointer
from tests.contracts.pointer_queue.samples import LEASE, claimed, job, names
from tests.providers import WIRE

PARTITIONS = 4
MAILBOXES = [f"m{n}" for n in range(16)]
LONG = timedelta(seconds=10)


class Away(RedisPointerQueue):
    """A partition whose server cannot be reached."""

    async def claim(self, *_: object, **__: object) -> Sequence[Claim]:
        raise Unavailable("Redis cannot be reached")


@pytest.fixture
def partitioned(servers: Servers, prefix: str) -> PointerQueue:
    return redis_queue(servers, WIRE, prefix=prefix, partitions=PARTITIONS)


async def parts_in_use(redis: Redis, prefix: str) -> set[bytes]:
    return {key[: key.index(b"}")] async for key in redis.scan_iter(f"{{{prefix}:*")}


async def test_lanes_are_spread_over_the_partitions_and_each_lies_whole_in_one(
    redis: Redis, partitioned: PointerQueue, prefix: str
) -> None:
    await partitioned.enqueue([job(f"{n}-{box}", mailbox=box) for n in "ab" for box in MAILBOXES])

    assert len(await parts_in_use(redis, prefix)) == PARTITIONS
    assert [lane.ready for lane in await partitioned.statistics()] == [2] * len(MAILBOXES)
    assert len(await names(partitioned)) == 2 * len(MAILBOXES)


async def test_one_job_that_cannot_be_queued_keeps_back_those_of_every_partition(
    partitioned: PointerQueue,
) -> None:
    unfit = job("unfit", mailbox="sup/port")

    with pytest.raises(InvalidPointer):
        await partitioned.enqueue([*(job(box, mailbox=box) for box in MAILBOXES), unfit])

    assert await names(partitioned) == []


async def test_no_partition_is_always_the_first(partitioned: PointerQueue) -> None:
    await partitioned.enqueue(
        [job(f"{n}-{box}", mailbox=box) for n in range(9) for box in MAILBOXES]
    )

    lanes = {(await claimed(partitioned))[0].job.mailbox for _ in range(PARTITIONS)}

    assert len(lanes) == PARTITIONS


@pytest.mark.parametrize("box", MAILBOXES[:4])
async def test_whoever_waits_is_woken_by_any_partition(partitioned: PointerQueue, box: str) -> None:
    waiting = asyncio.create_task(partitioned.claim(1, LEASE, wait=LONG))
    await asyncio.sleep(0.05)

    await partitioned.enqueue([job("a", mailbox=box)])

    async with asyncio.timeout(LONG.total_seconds() / 2):
        assert [claim.job.id for claim in await waiting] == ["a"]


async def test_what_is_claimed_beyond_the_limit_is_given_back(partitioned: PointerQueue) -> None:
    waiting = asyncio.create_task(partitioned.claim(1, LEASE, wait=LONG))
    await asyncio.sleep(0.05)

    await partitioned.enqueue([job(box, mailbox=box) for box in MAILBOXES])

    assert len(await waiting) == 1
    claims = await claimed(partitioned, 100)
    assert [claim.attempt for claim in claims] == [1] * (len(MAILBOXES) - 1)


async def test_a_claim_that_is_cancelled_keeps_nothing(partitioned: PointerQueue) -> None:
    for moments in range(40):
        waiting = asyncio.create_task(partitioned.claim(9, LEASE, wait=LONG))
        for _ in range(moments):
            await asyncio.sleep(0)
        await partitioned.enqueue([job(box, mailbox=box) for box in MAILBOXES])
        waiting.cancel()
        await asyncio.wait([waiting])
        if waiting.cancelled():
            claims = await claimed(partitioned, 100)
            assert [claim.attempt for claim in claims] == [1] * len(MAILBOXES)
        else:
            claims = [*waiting.result(), *await claimed(partitioned, 100)]
        await asyncio.gather(*map(partitioned.acknowledge, claims))


async def test_a_partition_that_is_away_does_not_hold_up_the_others(
    servers: Servers, prefix: str
) -> None:
    there = RedisPointerQueue(servers, WIRE, prefix=prefix, partition=0)
    queue = PartitionedPointerQueue([Away(servers, WIRE, prefix=prefix, partition=1), there], WIRE)
    with pytest.raises(Unavailable):
        await queue.claim(1, LEASE)
    await there.enqueue([job("a"), job("b")])

    assert await names(queue, 1) == ["a"]
    assert await names(queue, 1) == ["b"]
    with pytest.raises(Unavailable):
        await queue.claim(1, LEASE, wait=LONG)


async def test_dead_letters_of_all_partitions_are_on_one_list_newest_first(
    partitioned: PointerQueue,
) -> None:
    for box in MAILBOXES:
        await partitioned.enqueue([job(box, mailbox=box)])
        [claim] = await claimed(partitioned)
        await partitioned.bury(claim, "broken")

    shown: list[str] = []
    page = await partitioned.dead_letters(limit=3)
    while page.next:
        shown += [letter.id for letter in page.letters]
        page = await partitioned.dead_letters(limit=3, after=page.next)
    shown += [letter.id for letter in page.letters]

    assert shown == MAILBOXES[::-1]
    letter = await partitioned.dead_letter("m3")
    assert letter is not None
    assert letter.mailbox == "m3"
    assert await partitioned.redrive(["m3", "unknown", "m1"]) == ["m3", "m1"]
    assert await partitioned.purge(MAILBOXES) == [
        box for box in MAILBOXES if box not in {"m3", "m1"}
    ]


async def test_a_paused_lane_is_paused_in_its_partition(partitioned: PointerQueue) -> None:
    await partitioned.enqueue([job(box, mailbox=box) for box in MAILBOXES])

    await partitioned.pause("acme", "m3", "access revoked")

    assert set(await names(partitioned)) == {*MAILBOXES} - {"m3"}
    assert await partitioned.resume("acme", "m3")
    assert await names(partitioned) == ["m3"]
