"""Servers that trickle, go on for ever, or hang up; and those that do so to others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count

import httpcore
import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.webhook.caller import WebhookCaller
from postroom.adapters.webhook.exchange import MAX_ANSWER_BYTES, NoReply, Reply, post
from postroom.adapters.webhook.pools import make_pools
from postroom.domain.handover.answer import Done
from postroom.domain.handover.application import SetBy
from tests.adapters.webhook_rig import OK, TLS, FakeNames, Handler, listening, read_request
from tests.calling import BODY, application, call_of

MOMENT = timedelta(milliseconds=200)
LONG = timedelta(minutes=1)
PAUSE = 0.01  # seconds between what trickles in
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
MEBIBYTE = 2**20


async def posted(handler: Handler, within: timedelta = LONG, body: bytes = BODY) -> Reply | NoReply:
    async with listening(handler) as (host, port), pool_to(host) as pool:
        url = httpx.URL(f"http://{host}:{port}/")
        return await post(pool, url, {"a": "b"}, body, within=within)


def pool_to(host: str) -> httpcore.AsyncConnectionPool:
    pools = make_pools(TLS, FakeNames([host]), httpcore.AnyIOBackend())
    return pools[SetBy.OPERATOR]


@asynccontextmanager
async def caller() -> AsyncIterator[WebhookCaller]:
    caller = WebhookCaller(ManualClock(), content_token=lambda _: "t", version="1", tls=TLS)
    async with caller:
        yield caller


async def test_what_is_answered_is_read() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers, body = await read_request(reader)
        assert (headers["a"], body) == ("b", BODY)
        writer.write(b"HTTP/1.1 201 Created\r\nX-A: \xfc\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()

    assert await posted(answer) == Reply(201, {"x-a": "ü", "content-length": "2"}, bytearray(b"hi"))


async def test_a_body_that_is_cut_after_its_header_is_an_answer() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()

    reply = await posted(cut)

    assert isinstance(reply, Reply)
    assert (reply.status, bytes(reply.body)) == (200, b"half")


async def test_a_header_that_trickles_in_is_given_up_in_time() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for n in count():
            writer.write(f"x-{n}: a\r\n".encode())
            await writer.drain()
            await asyncio.sleep(PAUSE)

    reply = await posted(trickle, MOMENT)

    assert isinstance(reply, NoReply)
    assert reply.sent
    assert isinstance(reply.error, TimeoutError)


async def test_a_body_that_trickles_in_is_an_answer_when_the_time_is_over() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD)
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(PAUSE)

    reply = await posted(trickle, MOMENT)

    assert isinstance(reply, Reply)
    assert reply.status == 200


async def test_of_100_megabytes_64_kilobytes_are_read() -> None:
    sent = 0

    async def go_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(HEAD)
        for _ in range(100):
            writer.write(bytes(MEBIBYTE))
            await writer.drain()
            sent += MEBIBYTE

    reply = await posted(go_on)

    assert isinstance(reply, Reply)
    assert reply.body == bytes(MAX_ANSWER_BYTES)
    assert sent < 20 * MEBIBYTE  # what the kernel takes in by itself


@pytest.mark.parametrize(
    ("before", "piece", "status"),
    [(b"", b"HTTP/1.1 102 Processing\r\n\r\n", None), (CHUNKED, b"1\r\n \r\n", 200)],
    ids=["interim responses", "chunks of a byte"],
)
async def test_what_takes_longer_to_parse_than_to_send_is_not_read_for_long(
    before: bytes, piece: bytes, status: int | None
) -> None:
    sent = 0

    async def go_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(before)
        while True:
            writer.write(piece * 1000)
            await writer.drain()
            sent += len(piece) * 1000

    reply = await posted(go_on)

    assert (reply.status if isinstance(reply, Reply) else None) == status
    assert sent < 20 * MEBIBYTE


async def test_a_body_that_nobody_takes_is_given_up_in_time() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    reply = await posted(ignore, MOMENT, bytes(50 * MEBIBYTE))

    assert isinstance(reply, NoReply)
    assert reply.sent


async def test_an_answer_before_all_was_sent_counts() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    reply = await posted(refuse, body=bytes(2 * MEBIBYTE))

    assert isinstance(reply, Reply)
    assert reply.status == 413


@pytest.fixture
def soon_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.adapters.webhook.exchange.CONNECT_WITHIN", MOMENT)


@pytest.mark.usefixtures("soon_connected")
async def test_tls_that_does_not_come_about_is_given_up_in_time() -> None:
    """It begins with bytes of ours, and none of them is of the request."""
    async with listening(read_on) as (host, port), pool_to(host) as pool:
        reply = await post(pool, httpx.URL(f"https://{host}:{port}/"), {}, BODY, within=LONG)

    assert isinstance(reply, NoReply)
    assert not reply.sent


@pytest.mark.usefixtures("soon_connected")
async def test_a_name_that_is_not_found_is_given_up_in_time() -> None:
    async def look_up(_: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    pool = make_pools(TLS, look_up, httpcore.AnyIOBackend())[SetBy.OPERATOR]
    async with pool:
        reply = await post(pool, httpx.URL("http://slow.example/"), {}, BODY, within=LONG)

    assert isinstance(reply, NoReply)
    assert isinstance(reply.error, TimeoutError)
    assert not reply.sent


@pytest.mark.usefixtures("soon_connected")
async def test_an_answer_may_take_longer_than_a_connection() -> None:
    now = asyncio.get_running_loop().time
    began = now()

    reply = await posted(read_on, 2 * MOMENT)

    assert isinstance(reply, NoReply)
    assert reply.sent
    assert now() - began >= 2 * MOMENT.total_seconds()


async def read_on(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_an_application_that_hangs_takes_nothing_of_another() -> None:
    arrived = asyncio.Semaphore(0)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.release()
        await asyncio.Event().wait()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()

    async with (
        listening(hang) as (host, slow),
        listening(answer) as (_, fast),
        caller() as webhook,
    ):
        slow_one = application(f"http://{host}:{slow}/", name="slow")
        hanging = [asyncio.create_task(webhook.call(slow_one, [call_of()])) for _ in range(200)]
        for _ in hanging:
            await arrived.acquire()

        answers = await webhook.call(application(f"http://{host}:{fast}/"), [call_of()])

        assert answers == [Done(status=200)]
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
