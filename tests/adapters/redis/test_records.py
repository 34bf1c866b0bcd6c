"""What the pointer queue does with records that it cannot read, or would not be able to."""

import pytest
from redis.asyncio import Redis

from adapters.redis.queue import RedisPointerQueue
from domain.pointer import InvalidPointer, PointerJob
from tests.contracts.pointer_queue.samples import job, jobs, names

RECORD = (
    b'{"v":1,"pointer":{"folder":"INBOX","uid":7,"uid_validity":1,"message_id":"",'
    b'"provider":"imap"},"enqueued_at":"2030-01-01T00:00:00Z","traceparent":""}'
)


async def test_the_record_is_what_the_next_release_must_be_able_to_read(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("a"))

    assert await redis.hget(f"{{{prefix}:0}}:jobs", "a") == RECORD


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"Dear Ann, \xff", "json_invalid"),
        (b"", "json_invalid"),
        (RECORD.replace(b'"v":1', b'"v":2'), "v literal_error"),
        (RECORD.replace(b'"v":1,', b""), "v missing"),
        (RECORD.replace(b"imap", b"carrier pigeon"), "pointer union_tag_invalid"),
        (RECORD.replace(b'"uid":7', b'"uid":0'), "pointer value_error"),
        (RECORD.replace(b'"uid":7', b'"uid":"7"'), "pointer int_type"),
        (RECORD.replace(b'"uid":7', b'"uid":7,"Ann":1'), "pointer unexpected_keyword_argument"),
        (RECORD.replace(b'"v":1', b'"v":1,"Ann":1'), "unexpected_keyword_argument"),
        (RECORD + b" " * 32_768, "more than 32768 bytes"),
    ],
)
async def test_an_unreadable_record_goes_to_the_dead_letters_and_stops_nothing(
    redis: Redis, queue: RedisPointerQueue, prefix: str, record: bytes, reason: str
) -> None:
    await queue.enqueue(jobs("bad", "good"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "bad", record)

    assert await names(queue) == ["good"]

    [letter] = await queue.dead_letters()
    assert letter.reason == f"unreadable record: {reason}"
    assert (letter.job.id, letter.job.tenant, letter.job.mailbox) == ("bad", "acme", "support")
    [lane] = await queue.statistics()
    assert (lane.in_flight, lane.dead) == (1, 1)


async def test_a_missing_record_goes_to_the_dead_letters(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("bad", "good"))
    await redis.hdel(f"{{{prefix}:0}}:jobs", "bad")

    assert await names(queue) == ["good"]

    [letter] = await queue.dead_letters()
    assert letter.job.id == "bad"


async def test_a_record_of_another_release_is_kept_as_it_is(
    redis: Redis, queue: RedisPointerQueue, prefix: str
) -> None:
    await queue.enqueue(jobs("a"))
    await redis.hset(f"{{{prefix}:0}}:jobs", "a", b'{"v":2}')
    await names(queue)

    await queue.redrive("a")

    assert await redis.hget(f"{{{prefix}:0}}:jobs", "a") == b'{"v":2}'


@pytest.mark.parametrize(
    "unfit",
    [
        job("b", tenant="ac/me"),
        job("b", mailbox="sup/port"),
        PointerJob(
            id="b",
            tenant="acme",
            mailbox="support",
            pointer=job("b").pointer,
            enqueued_at=job("b").enqueued_at,
            traceparent="0" * 32_768,
        ),
    ],
    ids=["tenant", "mailbox", "size"],
)
async def test_a_job_that_cannot_be_queued_is_refused_and_all_with_it(
    queue: RedisPointerQueue, unfit: PointerJob
) -> None:
    with pytest.raises(InvalidPointer):
        await queue.enqueue([job("a"), unfit])

    assert await names(queue) == []
