"""How many clients there may be, and who goes first where there is no room for all."""

import asyncio
import errno
import socket
from collections.abc import Callable

import pytest
import structlog

from postroom.entrypoints.api.serving import acceptor
from postroom.entrypoints.api.serving.refusals import LOG_EVERY, Refusal, Refusals
from postroom.entrypoints.telemetry.instruments import Tally
from tests.unit.serving.rig import GET, LATER, Client, Rig, is_served, serving, upload


async def until_served(rig: Rig, count: int) -> list[Client]:
    """So many clients whose requests are being answered."""
    clients = [await rig.connect(LATER) for _ in range(count)]
    for _ in clients:
        await rig.asked.acquire()
    return clients


@pytest.mark.parametrize("sent", [b"", GET[:20], upload(1000, sent=10)])
async def test_who_keeps_us_waiting_longest_makes_room(sent: bytes) -> None:
    async with serving(connections=20) as rig:
        attackers = [await rig.connect(sent) for _ in range(20)]

        for _ in range(5):
            assert await is_served(rig)
        for attacker in attackers[:5]:
            assert await attacker.status() == 503 if sent else await attacker.hung_up()
        attackers[-1].send(GET)
        assert rig.refused() == {"no_room": 5}


async def test_who_is_being_served_stays_and_others_are_turned_away() -> None:
    async with serving(connections=3) as rig:
        clients = await until_served(rig, 3)
        assert await is_turned_away(rig)
        rig.respond.set()

        assert [await client.status() for client in clients] == [200, 200, 200]
        assert await is_served(rig)


async def is_turned_away(rig: Rig) -> bool:
    """At once; what is said is lost where the request came before the other side closed."""
    client = await rig.connect(GET)
    try:
        return await client.status() == 503
    except (ConnectionError, asyncio.IncompleteReadError):
        return True


async def test_an_idle_connection_makes_room_before_one_that_has_just_come() -> None:
    async with serving(connections=2, idle_seconds=1, header_seconds=60) as rig:
        idle = await rig.connect(GET)
        assert await idle.status() == 200
        newcomer = await rig.connect(GET[:10])

        assert await is_served(rig)
        assert await idle.hung_up()
        newcomer.send(GET[10:])
        assert await newcomer.status() == 200


async def test_uploads_that_fill_the_memory_make_room_for_those_that_are_whole() -> None:
    async with serving(pending_bytes=1_000_000) as rig:
        slow = [await rig.connect(upload(500_000, sent=400_000)) for _ in range(10)]
        refused = [client for client in slow if await is_refused(client)]

        assert len(refused) >= 8
        whole = await rig.connect(upload(200_000, sent=200_000))
        assert await whole.status() == 201


async def is_refused(client: Client) -> bool:
    """Whether it has been, as soon as that is clear."""
    try:
        async with asyncio.timeout(0.3):
            return await client.status() == 503
    except TimeoutError:
        return False


async def test_what_was_answered_takes_no_memory_any_more() -> None:
    async with serving(pending_bytes=300_000) as rig:
        client = await rig.connect()
        for _ in range(10):
            client.send(upload(200_000, sent=200_000))
            assert await client.status() == 201


async def test_what_was_hung_up_on_takes_none_either() -> None:
    async with serving(pending_bytes=300_000) as rig:
        for _ in range(10):
            client = await rig.connect(upload(200_000, sent=100_000))
            await is_served(rig)
            client.writer.close()
        whole = await rig.connect(upload(200_000, sent=200_000))

        assert await whole.status() == 201


class Exhausted(socket.socket):
    """Has no file descriptor for the first connections; *tried* is how often it was asked."""

    left = 5
    tried = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.tried += 1
        if self.left:
            self.left -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_without_file_descriptors_it_neither_spins_nor_is_deaf(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptor, "PAUSE", 0.01)
    made: list[Exhausted] = []
    create: Callable[..., socket.socket] = socket.create_server

    def create_exhausted(*arguments: object, **options: object) -> socket.socket:
        made.append(Exhausted(fileno=create(*arguments, **options).detach()))
        return made[0]

    monkeypatch.setattr(socket, "create_server", create_exhausted)
    async with serving() as rig:
        assert await is_served(rig)
        assert rig.refused() == {"no_room": 5}
    assert made[0].tried < 10
    assert caplog.records == []


def test_a_flood_of_refusals_is_a_line_now_and_then() -> None:
    refusals = Refusals(Tally())
    with structlog.testing.capture_logs() as logs:
        for second in range(int(LOG_EVERY) * 2):
            for _ in range(1000):
                refusals.add(Refusal.NO_ROOM)
            refusals.log(now=1e6 + second)

    assert [line["count"] for line in logs] == [1000, 10_000]
    assert {(line["event"], line["reason"], line["log_level"]) for line in logs} == {
        ("requests refused", "no_room", "warning")
    }
