"""How old jobs count whose records do not say it in a way that this release understands."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from postroom.adapters.clock import SystemClock
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers
from postroom.adapters.redis.survey import RedisQueueSurvey
from postroom.application.ports import LONGEST_DELAY
from tests.contracts.pointer_queue.samples import LEASE, jobs

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("record", ["", "no record", "[]", '[4,{"at":1}]', '[2,"imap","then"]'])
async def test_a_job_that_cannot_be_read_is_as_old_as_one_can_be(
    redis: Redis, servers: Servers, queue: RedisPointerQueue, prefix: str, record: str
) -> None:
    """Its mail is listed from far back, and not missed."""
    await queue.enqueue(jobs("a", "b"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "b", record)
    survey = RedisQueueSurvey(servers, prefix=prefix)
    assert (await survey.contents()).ages != {("acme", "support"): LONGEST_DELAY}

    await queue.claim(2, LEASE)  # in flight, or left to another release

    assert (await survey.contents()).ages == {("acme", "support"): LONGEST_DELAY}


async def test_a_job_of_a_newer_release_says_when_it_was_queued(
    redis: Redis, servers: Servers, queue: RedisPointerQueue, prefix: str
) -> None:
    queued_at = round((SystemClock().now() - 3 * HOUR).timestamp() * 1_000_000)
    await queue.enqueue(jobs("a"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "a", f'[3,"jmap",{queued_at},{{"more":1}}]')

    ages = (await RedisQueueSurvey(servers, prefix=prefix).contents()).ages

    assert round(ages["acme", "support"] / HOUR, 1) == 3
