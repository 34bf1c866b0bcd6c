"""The API at its default settings, attacked by whoever can connect to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.databases import new_database
from tests.end_to_end.api_rig import Api, serving

HALF_SENT = b"POST /webhooks/microsoft HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def database(postgres_url: str) -> str:
    return new_database(postgres_url)


@pytest.fixture
async def api(valkey_url: str, database: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with serving(valkey_url, database, tmp_path / "home") as api:
        yield api


class Attackers:
    """Connections that stay as long as they are let."""

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, api: Api, data: bytes = b"") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        self._writers.append(writer)
        writer.write(data)
        return reader

    async def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        closed = (writer.wait_closed() for writer in self._writers)
        await asyncio.gather(*closed, return_exceptions=True)


@pytest.fixture
async def attackers() -> AsyncIterator[Attackers]:
    attackers = Attackers()
    yield attackers
    await attackers.hang_up()


async def test_300_half_sent_requests_are_gone_within_seconds_and_hold_nobody_up(
    api: Api, attackers: Attackers
) -> None:
    readers = [await attackers.connect(api, HALF_SENT) for _ in range(300)]
    bodies = [await attackers.connect(api, HALF_SENT + b"\r\nxxx") for _ in range(300)]

    assert await api.is_live()
    async with asyncio.timeout(20):  # 10, and what a machine that does much else takes
        responses = await asyncio.gather(*(reader.read() for reader in [*readers, *bodies]))

    assert {response[:12] for response in responses} == {b"HTTP/1.1 408"}
    assert len(api.lines("requests refused")) <= 6
    assert api.lines('"level":"error"') == []


async def test_300_megabytes_of_headers_take_no_memory_and_hold_nobody_up(api: Api) -> None:
    await api.is_live()
    before = api.resident_bytes()
    tasks = [asyncio.create_task(send_headers(api, mebibytes=60)) for _ in range(5)]
    while not all(task.done() for task in tasks):
        assert await api.is_live()
        await asyncio.wait(tasks, timeout=0.1)

    assert [await task for task in tasks] == [b"HTTP/1.1 431"] * 5
    assert api.resident_bytes() - before < 30 * MEBIBYTE


async def send_headers(api: Api, mebibytes: int) -> bytes:
    """Send so many without an end; what the response begins with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: ")
    with suppress(ConnectionError):
        for _ in range(mebibytes):
            writer.write(b"x" * MEBIBYTE)
            await writer.drain()
    try:
        return await reader.read(12)
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_uploads_that_never_end_leave_room_for_notifications(
    api: Api, attackers: Attackers
) -> None:
    before = api.resident_bytes()
    upload = b"POST /webhooks/microsoft HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
    for _ in range(100):
        await attackers.connect(api, upload + b"x" * 3 * MEBIBYTE)
        assert (await api.notify()).status_code == 202

    assert api.resident_bytes() - before < 300 * MEBIBYTE


async def test_more_connections_than_file_descriptors_make_it_neither_deaf_nor_loud(
    valkey_url: str, database: str, tmp_path: Path, attackers: Attackers
) -> None:
    async with serving(valkey_url, database, tmp_path / "home", open_files=256) as api:
        assert api.open_files == 256
        assert api.lines('"max_connections":192')
        for _ in range(10):
            for _ in range(100):
                await attackers.connect(api)
            assert await api.is_live()
            assert (await api.notify()).status_code == 202

        assert len(api.log.read_text().splitlines()) < 20


ODD = ["%00", "%ED%A0%80", "%FF", "9" * 25, "9" * 5000, "-1", "%2e%2e%2f", "1e400", "💥", "%0d%0a"]
ADDRESSES = [
    *("tickets/{odd}", "tickets/{odd}/documents/{odd}", "dead-letters/{odd}", "queue/{odd}"),
    *("tickets?limit={odd}", "mailboxes?{odd}={odd}"),
    *(
        f"dead-letters?{name}={{odd}}"
        for name in ("mailbox", "provider", "reason", "after", "died_after", "limit")
    ),
    *(f"outcomes?{name}={{odd}}" for name in ("mailbox", "identity", "job", "limit")),
]


async def test_no_address_is_our_failure(valkey_url: str, database: str, tmp_path: Path) -> None:
    tokens = {"POSTROOM_API_TOKENS": '{"acme": "token"}'}
    headers = {"Authorization": "Bearer token"}
    async with serving(valkey_url, database, tmp_path / "home", settings=tokens) as api:
        for address in (each.format(odd=odd) for each in ADDRESSES for odd in ODD):
            response = await api.client.get(f"/api/v1/{address}", headers=headers)

            assert response.status_code in {200, 400, 404}, address
