"""A queue that workers of two releases share while one takes the place of the other."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import pytest
from redis.asyncio import Redis

from postroom.adapters.redis.claims import LEFT_TO_OTHERS
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers
from postroom.adapters.redis.wire import WireFormat
from postroom.application.consume_job import Consumed
from postroom.application.ports import Claim
from postroom.domain.outcome import Duplicate
from postroom.domain.pointer import Pointer, PointerJob
from postroom.entrypoints.worker import Worker
from tests.consuming import unexpected
from tests.contracts.pointer_queue.samples import IN_INBOX, claimed, job, jobs, names
from tests.providers import POINTERS, WIRE

UNKNOWN = "this release of Postroom has no provider jmap"


@dataclass(frozen=True, slots=True)
class JmapPointer(Pointer):
    """Of a provider that only the newer release has."""

    provider: ClassVar[str] = "jmap"

    email_id: str

    @property
    def key(self) -> tuple[str, ...]:
        return "message", self.email_id


class NextWireFormat(WireFormat):
    """Of the release after this one: version 3, with a field more."""

    def pack(self, job: PointerJob) -> tuple[str, str, bytes]:
        job_id, lane, record = super().pack(job)
        _, *fields = json.loads(record)
        return job_id, lane, json.dumps([3, *fields, {"priority": 1}]).encode()

    def unpack(self, job_id: str, lane: str, record: bytes | None) -> PointerJob:
        version, *fields = json.loads(record or b"[]")
        if version == 3:
            record = json.dumps([2, *fields[:-1]]).encode()
        return super().unpack(job_id, lane, record)


@dataclass
class Releases:
    """The queue as both have it. *ahead* is how much time has passed."""

    older: RedisPointerQueue
    newer: RedisPointerQueue
    ahead: timedelta = timedelta()


@pytest.fixture
def releases(servers: Servers, prefix: str) -> Releases:
    def queue(wire: WireFormat) -> RedisPointerQueue:
        return RedisPointerQueue(servers, wire, prefix=prefix, ahead=lambda: both.ahead)

    both = Releases(queue(WIRE), queue(WireFormat({**POINTERS, "jmap": JmapPointer})))
    return both


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b'[3,"imap",{"at":1893456000}]', "record of a newer release (version 3)"),
        (b"[3]", "record of a newer release (version 3)"),
        (b'[2,"jmap",1893456000000000,"",false,"M1"]', UNKNOWN),
        (b'[1,"jmap",1893456000000000,"","M1"]', UNKNOWN),
    ],
)
async def test_a_record_for_a_newer_release_is_left_to_it_and_stops_nothing(
    redis: Redis, releases: Releases, prefix: str, record: bytes, reason: str
) -> None:
    await releases.older.enqueue(jobs("newer", "ours"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "newer", record)

    assert await names(releases.older) == ["ours"]

    assert (await releases.older.dead_letters()).letters == []
    [lane] = await releases.older.statistics()
    assert (lane.delayed, lane.in_flight, lane.dead) == (1, 1, 0)
    await redis.hset(f"{{{prefix}:0}}:jobs", "newer", b"no record")
    releases.ahead += LEFT_TO_OTHERS
    [claim] = await claimed(releases.older)
    await releases.older.bury(claim, claim.unreadable)
    letter = await releases.older.dead_letter("newer")
    assert letter
    assert [text for _, text in letter.reasons] == [reason, "unreadable record: json_invalid"]


async def test_the_newer_release_gets_it_within_a_minute_and_at_no_attempt(
    releases: Releases,
) -> None:
    queued = job("a", pointer=JmapPointer("M1"))
    await releases.newer.enqueue([queued])

    for _ in range(3):
        assert await claimed(releases.older) == []
        assert await claimed(releases.newer) == []
        releases.ahead += LEFT_TO_OTHERS

    [claim] = await claimed(releases.newer)
    assert claim.job == queued
    assert claim.attempt == 1


@pytest.mark.parametrize("pointer", [IN_INBOX, JmapPointer("M1")])
async def test_after_a_roll_back_jobs_of_the_newer_release_wait_for_it_and_cost_nothing(
    servers: Servers, releases: Releases, prefix: str, pointer: Pointer
) -> None:
    """A worker of this release has the queue to itself for an hour, and does its own jobs."""
    next_wire = NextWireFormat({**POINTERS, "jmap": JmapPointer})
    upgraded = RedisPointerQueue(servers, next_wire, prefix=prefix, ahead=lambda: releases.ahead)
    queued = [job(f"new {number}", pointer=pointer) for number in range(5)]
    await upgraded.enqueue(queued)
    await releases.older.enqueue(jobs(*(f"old {number}" for number in range(5))))
    done = await _work(releases.older, 5)

    for _ in range(60):
        releases.ahead += LEFT_TO_OTHERS
        assert await claimed(releases.older, 100) == []

    assert done == {f"old {number}" for number in range(5)}
    assert (await releases.older.dead_letters()).letters == []
    releases.ahead += LEFT_TO_OTHERS
    claims = await claimed(upgraded, 4)
    claims += await _after_acknowledging(upgraded, claims)
    assert sorted((claim.job for claim in claims), key=lambda each: each.id) == queued
    assert {(claim.attempt, claim.crashes, claim.reclaimed) for claim in claims} == {(1, 0, False)}


async def _work(queue: RedisPointerQueue, expected: int) -> set[str]:
    """What a worker has done when it has done so many jobs."""
    done, stop = set[str](), asyncio.Event()

    async def consume(claim: Claim) -> Consumed:
        settled = await queue.acknowledge(claim)
        done.add(claim.job.id)
        if len(done) == expected:
            stop.set()
        return Consumed(Duplicate(), settled)

    worker = Worker(queue=queue, consume=consume, overran=unexpected, run_suspect=unexpected)
    async with asyncio.timeout(30):
        await worker.run(stop)
    return done


async def _after_acknowledging(queue: RedisPointerQueue, claims: list[Claim]) -> list[Claim]:
    """What can be claimed when *claims* have made room in the lane."""
    for claim in claims:
        await queue.acknowledge(claim)
    return await claimed(queue, 100)


@pytest.mark.parametrize("reasons", ["{}", '[[1893456000000,"the lease ran out"]]'])
async def test_the_deliveries_that_an_older_release_counted_are_attempts(
    redis: Redis, releases: Releases, prefix: str, reasons: str
) -> None:
    """It counted when it claimed, and so those that were never settled, too."""
    queue = releases.newer
    await queue.enqueue(jobs("a"))
    [claim] = await claimed(queue)
    await queue.release(claim)
    history = f'{{"order":"{claim.token}","attempts":3,"reasons":{reasons},"reclaimed":true}}'
    await redis.hset(f"{{{prefix}:0}}:history", "a", history)

    [claim] = await claimed(queue)

    assert (claim.attempt, claim.reclaimed, claim.crashes) == (4, True, 0)
    await queue.retry(claim, timedelta(), "away")
    [claim] = await claimed(queue)
    assert (claim.attempt, claim.reclaimed) == (5, False)


async def test_many_at_a_time_are_left_in_one_call(redis: Redis, releases: Releases) -> None:
    await releases.newer.enqueue(
        [job(f"{n}", mailbox=f"m{n}", pointer=JmapPointer(f"M{n}")) for n in range(50)]
    )
    await claimed(releases.older)
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]

    assert await claimed(releases.older, 100) == []

    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == before + 2


async def test_a_dead_letter_of_a_newer_release_is_shown_without_its_job(
    releases: Releases,
) -> None:
    await releases.newer.enqueue([job("a", pointer=JmapPointer("M1"))])
    [claim] = await claimed(releases.newer)
    await releases.newer.bury(claim, "broken")

    letter = await releases.older.dead_letter("a")

    assert letter
    assert (letter.job, letter.provider, letter.reason) == (None, "", "broken")
    assert (await releases.older.dead_letters()).letters == [letter]
    shown = await releases.newer.dead_letter("a")
    assert shown
    assert replace(shown, job=None) == letter


async def test_a_dead_letter_of_a_newer_release_that_is_redriven_is_left_to_it(
    releases: Releases,
) -> None:
    await releases.newer.enqueue([job("a", pointer=JmapPointer("M1"))])
    [claim] = await claimed(releases.newer)
    await releases.newer.bury(claim, "broken")

    assert await releases.older.redrive(["a"]) == ["a"]

    assert await claimed(releases.older) == []
    releases.ahead += LEFT_TO_OTHERS
    assert await names(releases.newer) == ["a"]
