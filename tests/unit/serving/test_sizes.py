"""How much a client may send."""

import pytest

from postroom.entrypoints.api.serving.connection import MAX_HEADERS, MAX_PIPELINED
from tests.unit.serving.rig import BODY_LIMIT, GET, LATER, is_served, serving, upload

START = b"GET /now HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMIT = 64 * 1024

LARGE = {
    "one header": START + b"x: " + b"x" * LIMIT,
    "one header, and its end": START + b"x: " + b"x" * LIMIT + b"\r\n\r\n",
    "a header and no end": START + b"x: " + b"x" * 1_000_000,
    "the name of a header": START + b"x" * 1_000_000,
    "a path": b"GET /" + b"x" * LIMIT + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "many headers": START + b"".join(b"x%d: y\r\n" % n for n in range(MAX_HEADERS)) + b"\r\n",
    "many trailers": CHUNKED + b"0\r\n" + b"x: y\r\n" * MAX_HEADERS,
    "one trailer": CHUNKED + b"0\r\nx: " + b"x" * 1_000_000,
    "chunks of a byte": CHUNKED + b"1\r\nx\r\n" * 100_000,
    "an extension of a chunk": CHUNKED + b"1;" + b"x" * 1_000_000,
    "empty lines": b"\r\n" * 500_000,
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE)
async def test_what_is_too_large_beside_a_body_is_refused(data: bytes) -> None:
    async with serving(header_bytes=LIMIT) as rig:
        client = await rig.connect(data)

        assert await client.status() == 431
        assert b"urn:postroom:problem:headers-too-large" in client.body
        assert await client.hung_up()
        assert rig.refused() == {"large_headers": 1}


async def test_headers_of_the_limit_are_read() -> None:
    async with serving(header_bytes=LIMIT) as rig:
        client = await rig.connect(START + b"x: " + b"x" * (LIMIT - 100) + b"\r\n\r\n")

        assert await client.status() == 200


async def test_so_are_large_requests_one_after_the_other() -> None:
    async with serving(header_bytes=8192) as rig:
        client = await rig.connect()
        for _ in range(3):
            client.send(upload(BODY_LIMIT, sent=BODY_LIMIT))
            assert await client.status() == 201
            client.send(START + b"x: " + b"x" * 7000 + b"\r\n\r\n")
            assert await client.status() == 200

        assert rig.bodies == [BODY_LIMIT] * 3


async def test_a_body_in_chunks_of_a_usual_size_is_read() -> None:
    async with serving() as rig:
        chunks = b"400\r\n" + b"x" * 1024 + b"\r\n"
        client = await rig.connect(CHUNKED + chunks * 1000 + b"0\r\n\r\n")

        assert await client.status() == 201
        assert rig.bodies == [1024 * 1000]


async def test_300_megabytes_of_headers_stop_nobody() -> None:
    async with serving() as rig:
        client = await rig.connect(START + b"x: ")
        for _ in range(300):
            client.send(b"x" * 1_000_000)
            assert await is_served(rig)
            if client.writer.is_closing():
                break

        assert rig.refused() == {"large_headers": 1}


async def test_requests_at_one_go_are_answered_in_their_order() -> None:
    async with serving() as rig:
        client = await rig.connect(LATER + GET * (MAX_PIPELINED - 1) + LATER)
        rig.respond.set()
        answers = []
        for _ in range(MAX_PIPELINED + 1):
            assert await client.status() == 200
            answers.append(client.body)

    assert answers == [b"later", *[b"now"] * (MAX_PIPELINED - 1), b"later"]


async def test_a_thousand_at_one_go_are_refused() -> None:
    async with serving() as rig:
        client = await rig.connect(GET * 1000)

        assert await client.status() == 503
        assert await client.hung_up()
        assert await is_served(rig)


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00\x01", b"\0" * 100, b"hello\r\n\r\n"])
async def test_what_is_no_http_is_refused(junk: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as rig:
        client = await rig.connect(junk)

        assert await client.status() == 400
        assert b"urn:postroom:problem:invalid-request" in client.body
        assert rig.refused() == {"malformed": 1}
    assert caplog.records == []


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_whoever_would_speak_something_else_is_answered_in_http(
    protocol: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as rig:
        upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
        client = await rig.connect(GET[:-2] + upgrade)

        assert await client.status() == 200
        client.send(b"x" * 100_000)
        assert await client.status() == 400
    assert caplog.records == []
