"""How long a client may take."""

import asyncio
import socket
from contextlib import suppress

import pytest
import structlog

from postroom.entrypoints.api.serving import connections
from tests.unit.serving.rig import GET, LARGE, LATER, a_while, is_served, serving, upload

SOON = 0.1


async def test_who_connects_and_is_silent_is_hung_up_on() -> None:
    async with serving(header_seconds=SOON) as rig:
        client = await rig.connect()

        assert await client.hung_up()


async def test_headers_that_come_to_no_end_are_refused() -> None:
    async with serving(header_seconds=SOON) as rig:
        client = await rig.connect(b"GET /now HTTP/1.1\r\nHost: x\r\n")

        assert await client.status() == 408
        assert b"urn:postroom:problem:timed-out" in client.body
        assert await client.hung_up()
        assert rig.refused() == {"slow_headers": 1}


async def test_a_byte_now_and_then_gains_no_time() -> None:
    async with serving(header_seconds=SOON) as rig:
        client = await rig.connect(b"GET /now HTTP/1.1\r\nx: ")
        await client.drip(b"x" * 100)

        assert await client.status() == 408


async def test_a_second_request_has_its_own_time() -> None:
    async with serving(header_seconds=SOON, idle_seconds=60) as rig:
        client = await rig.connect(GET)
        assert await client.status() == 200
        await a_while(rig)
        client.send(GET)
        assert await client.status() == 200
        client.send(GET[:10])

        assert await client.status() == 408


async def test_a_body_that_comes_to_no_end_is_refused_and_forgotten() -> None:
    async with serving(body_seconds=SOON) as rig:
        client = await rig.connect(upload(1000, sent=10))
        await client.drip(b"x" * 100)

        assert await client.status() == 408
        assert await client.hung_up()
        assert rig.bodies == []
        assert rig.refused() == {"slow_body": 1}


async def test_so_is_one_that_was_asked_for() -> None:
    async with serving(body_seconds=SOON) as rig:
        client = await rig.connect(upload(1000)[:-2] + b"Expect: 100-continue\r\n\r\n")

        assert await client.reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert await client.reader.readline() == b"\r\n"
        assert await client.status() == 408


async def test_so_is_a_body_in_chunks() -> None:
    async with serving(body_seconds=SOON) as rig:
        client = await rig.connect(
            b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
        )

        assert await client.status() == 408


async def test_the_rest_of_a_body_that_was_answered_unread_has_its_time_too() -> None:
    async with serving(body_seconds=SOON) as rig:
        client = await rig.connect(upload(2**30, sent=1000))

        assert await client.status() == 413
        assert await client.hung_up()


async def test_an_idle_connection_is_closed() -> None:
    async with serving(idle_seconds=SOON, header_seconds=SOON) as rig:
        client = await rig.connect(GET)

        assert await client.status() == 200
        assert await client.hung_up()
        assert rig.refused() == {}


async def test_our_own_time_is_not_the_clients() -> None:
    async with serving(header_seconds=SOON, body_seconds=SOON, idle_seconds=SOON) as rig:
        client = await rig.connect(LATER)
        await rig.asked.acquire()
        await a_while(rig)
        rig.respond.set()

        assert await client.status() == 200


async def test_three_hundred_half_sent_requests_are_gone_in_time_and_others_served() -> None:
    async with serving(header_seconds=0.5) as rig:
        clients = [await rig.connect(GET[:20]) for _ in range(300)]

        assert await is_served(rig)
        assert {await client.status() for client in clients} == {408}
        assert all([await client.hung_up() for client in clients])
        assert rig.refused() == {"slow_headers": 300}


async def test_who_was_refused_and_does_not_hang_up_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "LINGER", SOON)
    async with serving(header_seconds=SOON) as rig:
        client = await rig.connect(GET[:20])
        assert await client.status() == 408
        assert client.reader.at_eof() or await client.hung_up()
        async with asyncio.timeout(10):
            await client.drip(b"x" * 1000)

        assert client.writer.is_closing()


async def test_who_does_not_read_what_it_asked_for_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "LINGER", SOON)
    async with serving(idle_seconds=SOON, header_seconds=SOON) as rig:
        with socket.create_connection(("127.0.0.1", rig.port)) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            await is_served(rig)
            await a_while(rig)
            await a_while(rig)
            received = await asyncio.to_thread(read_all, client)

    assert received < LARGE


def read_all(client: socket.socket) -> int:
    """How many bytes there are, until the other side closes."""
    received = 0
    with suppress(ConnectionResetError):
        while data := client.recv(2**20):
            received += len(data)
    return received


async def test_an_upload_that_is_broken_off_is_no_error() -> None:
    async with serving() as rig:
        client = await rig.connect(upload(1000, sent=10))
        assert await is_served(rig)
        with structlog.testing.capture_logs() as logs:
            client.writer.close()
            async with asyncio.timeout(10):
                while not rig.refused():  # noqa: ASYNC110 - it can only be asked
                    await asyncio.sleep(0.01)

        assert logs == []
        assert rig.refused() == {"aborted": 1}


async def test_the_server_ends_though_requests_are_half_sent() -> None:
    async with asyncio.timeout(15), serving(body_seconds=0.5) as rig:
        await rig.connect(GET[:20])
        await rig.connect(upload(1000, sent=10))

        assert await is_served(rig)
