"""What every QueueSurvey promises."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.heartbeat import InMemoryQueueSurvey
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.redis.partitions import redis_queue
from postroom.adapters.redis.servers import open_redis
from postroom.adapters.redis.survey import RedisQueueSurvey
from postroom.application.ports import PointerQueue, QueueContents, QueueSurvey
from tests.contracts.pointer_queue.samples import LEASE, job
from tests.providers import WIRE

PORTS = {QueueSurvey}

HOUR = timedelta(hours=1)
SALES, DESK = ("acme", "sales"), ("globex", "desk")


@dataclass
class Surveyed:
    queue: PointerQueue
    survey: QueueSurvey
    clock: ManualClock

    async def enqueue(self, lane: tuple[str, str], *names: str) -> None:
        tenant, mailbox = lane
        jobs = [job(name, tenant=tenant, mailbox=mailbox) for name in names]
        now = self.clock.now()
        await self.queue.enqueue([replace(each, enqueued_at=now) for each in jobs])

    async def hours(self) -> dict[tuple[str, str], float]:
        ages = (await self.survey.contents()).ages
        return {lane: round(age / HOUR, 1) for lane, age in ages.items()}


@pytest.fixture(params=[1, 3], ids=["whole", "partitions"])
async def surveyed(
    request: pytest.FixtureRequest, server_url: str, clock: ManualClock
) -> AsyncIterator[Surveyed]:
    if not server_url:
        queue = InMemoryPointerQueue(clock)
        yield Surveyed(queue, InMemoryQueueSurvey(queue, clock), clock)
        return

    def ahead() -> timedelta:
        return clock.now() - SystemClock().now()

    prefix, partitions = uuid4().hex, request.param
    async with open_redis(server_url) as servers:
        yield Surveyed(
            redis_queue(servers, WIRE, prefix=prefix, partitions=partitions, ahead=ahead),
            RedisQueueSurvey(servers, prefix=prefix, partitions=partitions, ahead=ahead),
            clock,
        )


async def test_an_empty_queue_holds_nothing(surveyed: Surveyed) -> None:
    assert await surveyed.survey.contents() == QueueContents({}, 0)


async def test_each_lane_is_as_old_as_its_oldest_job(surveyed: Surveyed) -> None:
    await surveyed.enqueue(SALES, "a")
    surveyed.clock.advance(2 * HOUR)
    await surveyed.enqueue(SALES, "b")
    await surveyed.enqueue(DESK, "c")
    surveyed.clock.advance(HOUR)

    assert await surveyed.hours() == {SALES: 3, DESK: 1}


async def test_jobs_count_in_whatever_state_they_are(surveyed: Surveyed) -> None:
    names = ["in flight", "delayed", "given back", "dead", "waits"]
    for name in names:
        await surveyed.enqueue((name, "box"), name)
    surveyed.clock.advance(HOUR)
    claims = {claim.job.id: claim for claim in await surveyed.queue.claim(5, 9 * HOUR)}
    await surveyed.queue.defer(claims["delayed"], 9 * HOUR, "away")
    await surveyed.queue.release(claims["given back"])
    await surveyed.queue.bury(claims["dead"], "broken")
    await surveyed.queue.pause("waits", "box", "moved")
    await surveyed.queue.release(claims["waits"])

    lanes = {(name, "box"): 1.0 for name in names if name != "dead"}
    assert await surveyed.hours() == lanes
    assert (await surveyed.survey.contents()).dead == 1


async def test_a_job_that_came_back_is_as_old_as_it_was(surveyed: Surveyed) -> None:
    await surveyed.enqueue(SALES, "a", "b")
    surveyed.clock.advance(HOUR)
    [first] = await surveyed.queue.claim(1, LEASE)
    await surveyed.queue.retry(first, LEASE, "broken")
    [second] = await surveyed.queue.claim(1, LEASE)
    await surveyed.queue.acknowledge(second)
    await surveyed.enqueue(SALES, "c")
    surveyed.clock.advance(HOUR)

    assert await surveyed.hours() == {SALES: 2}


async def test_many_lanes_and_jobs_are_all_surveyed(surveyed: Surveyed) -> None:
    lanes = [("acme", f"m{number:03}") for number in range(450)]
    for number, lane in enumerate(lanes):
        await surveyed.enqueue(lane, f"j{number}")
    for claim in await surveyed.queue.claim(450, LEASE):
        await surveyed.queue.defer(claim, 9 * HOUR, "away")
    surveyed.clock.advance(HOUR)

    assert await surveyed.hours() == dict.fromkeys(lanes, 1.0)
