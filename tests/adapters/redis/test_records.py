"""What the pointer queue does with records that it cannot read, or would not be able to."""

from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from postroom.adapters.clock import SystemClock
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.domain.pointer import InvalidPointer, Pointer, PointerJob, UnknownPointer
from tests.contracts.pointer_queue.samples import claimed, job, jobs, names

RECORD = b'[2,"imap",1893456000000000,"",false,"INBOX",7,1,""]'


async def test_the_record_is_what_the_next_release_must_be_able_to_read(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("a"))

    assert await redis.hget(f"{{{prefix}:0}}:jobs", "a") == RECORD


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        (
            b'"imap",1893456000000000,"00-1-2-01","INBOX",7,1,"a@x"',
            ImapPointer("INBOX", 7, 1, "a@x"),
        ),
        (
            b'"google",1893456000000000,"00-1-2-01",5,"info@acme.example","pubsub-1",["m1","m2"]',
            GooglePointer(5, "info@acme.example", "pubsub-1", ("m1", "m2")),
        ),
        (
            b'"microsoft",1893456000000000,"00-1-2-01","subscription-1","m1",["users/1/messages/"]',
            MicrosoftPointer("subscription-1", "m1", "users/1/messages/m1"),
        ),
        (
            b'"microsoft",1893456000000000,"00-1-2-01","subscription-1","m1","elsewhere"',
            MicrosoftPointer("subscription-1", "m1", "elsewhere"),
        ),
    ],
    ids=["imap", "google", "microsoft", "microsoft elsewhere"],
)
async def test_a_record_of_the_first_release_is_still_read(
    redis: Redis, queue: RedisPointerQueue, prefix: str, fields: bytes, pointer: Pointer
) -> None:
    await queue.enqueue(jobs("a"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "a", b"[1,%b]" % fields)

    [claim] = await claimed(queue)

    assert claim.job == replace(job("a", pointer=pointer), traceparent="00-1-2-01")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"Dear Ann, \xff", "json_invalid"),
        (b"", "json_invalid"),
        (b'{"v":1,"Ann":1}', "union_tag_not_found"),
        (b"[1]", "union_tag_not_found"),
        (b'["3","imap"]', "union_tag_invalid"),
        (RECORD.replace(b"[2,", b"[0,"), "union_tag_invalid"),
        (RECORD.replace(b"[2,", b'["2",'), "imap/2 0 literal_error"),
        (RECORD.replace(b"[2,", b"[1,"), "imap/1 too_long"),
        (RECORD.replace(b"imap", b"flusher pigeon"), "union_tag_invalid"),
        (RECORD.replace(b"[2,", b"[0,").replace(b"imap", b"jmap"), "union_tag_invalid"),
        (RECORD.replace(b"7", b"0"), "uid must be between 1 and 4294967295"),
        (RECORD.replace(b"7", b'"7"'), "imap/2 6 int_type"),
        (RECORD.replace(b"false", b"0"), "imap/2 4 bool_type"),
        (RECORD.replace(b"]", b',"Ann"]'), "imap/2 too_long"),
        (RECORD.replace(b',""]', b"]"), "imap/2 8 missing"),
        (RECORD.replace(b"000000", b"000000000000"), "no such time"),
        (RECORD + b" " * 32_768, "more than 32768 bytes"),
    ],
)
async def test_a_claim_says_why_its_record_cannot_be_read_and_stops_nothing(
    redis: Redis, queue: RedisPointerQueue, prefix: str, record: bytes, reason: str
) -> None:
    await queue.enqueue(jobs("bad", "good"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "bad", record)

    bad, good = await claimed(queue, 2)

    assert (good.job, good.unreadable) == (job("good"), "")
    assert bad.unreadable == f"unreadable record: {reason}"
    assert (bad.job.id, bad.job.tenant, bad.job.mailbox) == ("bad", "acme", "support")
    assert bad.job.pointer == UnknownPointer("", {})
    assert abs(bad.job.enqueued_at - SystemClock().now()) < timedelta(minutes=1)


async def test_a_dead_letter_whose_record_cannot_be_read_has_no_job(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("bad", "good"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "bad", b"Dear Ann")
    [bad, _] = await claimed(queue, 2)

    assert await queue.bury(bad, bad.unreadable)

    [letter] = (await queue.dead_letters()).letters
    assert letter.reason == "unreadable record: json_invalid"
    assert (letter.id, letter.tenant, letter.mailbox) == ("bad", "acme", "support")
    assert letter.job is None
    [lane] = await queue.statistics()
    assert (lane.in_flight, lane.dead) == (1, 1)


async def test_a_missing_record_is_one_that_cannot_be_read(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("bad", "good"))
    await redis.hdel(f"{{{prefix}:0}}:jobs", "bad")

    assert [claim.unreadable for claim in await claimed(queue, 2)] == [
        "unreadable record: json_invalid",
        "",
    ]


async def test_an_unreadable_record_is_stored_as_it_is(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("a"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "a", b"[2]")
    [claim] = await claimed(queue)
    await queue.bury(claim, claim.unreadable)

    await queue.redrive(["a"])

    assert await redis.hget(f"{{{prefix}:0}}:jobs", "a") == b"[2]"


@pytest.mark.parametrize(
    "unfit",
    [
        job("b", tenant="ac/me"),
        job("b", mailbox="sup/port"),
        replace(job("b"), traceparent="0" * 32_768),
        replace(job("b"), pointer=ImapPointer("\ud800", 7, 1)),
    ],
    ids=["tenant", "mailbox", "size", "surrogate"],
)
async def test_a_job_that_cannot_be_queued_is_refused_and_all_with_it(
    queue: RedisPointerQueue, unfit: PointerJob
) -> None:
    with pytest.raises(InvalidPointer):
        await queue.enqueue([job("a"), unfit])

    assert await names(queue) == []
