"""What befalls a single message on its way through real workers to an application."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, Request, Response, post

from postroom.adapters.embedded import EmbeddedPostgres
from postroom.domain.outcome import Accepted, Completed
from postroom.entrypoints.emulators.loopback import serve
from postroom.entrypoints.tasks import cancel
from tests.databases import new_database
from tests.end_to_end.handover_rig import House, a_house, crash, restart, started
from tests.end_to_end.processes import SECONDS, until

Status = Callable[[int], Awaitable[int]]
"""The answer to the call of that number, the first of which is 1."""

LATE = 2.0
"""Seconds in which a call would come that is not to come."""

END_LEASES = "UPDATE postroom.handover SET lease_until = now() WHERE state = 'calling'"


@pytest.fixture(scope="module")
def postgres(engine_home: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(engine_home / "crashing") as server:
        yield server


@pytest.fixture
async def house(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[House]:
    database = await asyncio.to_thread(new_database, postgres.url)
    async with a_house(tmp_path, database) as house:
        house.deliver(1)
        yield house


@asynccontextmanager
async def an_application(house: House, status: Status) -> AsyncIterator[list[bytes]]:
    """The bodies of the calls of messages, as they come in."""
    bodies: list[bytes] = []

    @post("/inbound")
    async def inbound(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
        body = await request.body()
        if json.loads(body)["type"] != "mail.received":
            return Response({}, status_code=200)
        bodies.append(body)
        code = await status(len(bodies))
        return Response({"reference": "T-1"}, status_code=code)

    async with serve(Litestar([inbound])) as url:
        await house.route_to(f"{url}/inbound")
        yield bodies


async def test_a_message_is_handed_over_by_one_call(house: House) -> None:
    async def status(_: int) -> int:
        return 201

    async with an_application(house, status) as bodies:
        with started(house.worker()):
            await house.announce(1)
            [ended] = await house.until_ended()

    assert ended == ("done", 1, "T-1")
    [body] = bodies
    assert json.loads(body)["data"]["email"]["subject"] == "Message 1"
    outcomes = [each.outcome for each in await house.wired.outcomes.find("acme")]
    assert [type(each) for each in outcomes] == [Completed, Accepted]


async def test_five_calls_of_a_message_have_the_same_bytes(house: House) -> None:
    """Though it is fetched again, in other bytes, as Graph builds them at each fetch."""

    async def status(number: int) -> int:
        house.graph.rebuild(house.ids[1])
        await house.announce(1)
        return 500 if number < 5 else 201

    async with an_application(house, status) as bodies:
        with started(house.worker()):
            await house.announce(1)
            async with hurrying(house):
                [(state, calls, _)] = await house.until_ended()

    assert (state, calls) == ("done", 5)
    assert len(bodies) == 5
    assert len(set(bodies)) == 1


async def test_a_message_that_is_deleted_once_it_was_accepted_is_handed_over(house: House) -> None:
    async def status(number: int) -> int:
        if number == 1:
            house.graph.delete(house.ids[1])
        return 500 if number == 1 else 201

    async with an_application(house, status) as bodies:
        with started(house.worker()):
            await house.announce(1)
            async with hurrying(house):
                [ended] = await house.until_ended()

    assert ended == ("done", 2, "T-1")
    assert len(bodies) == 2


async def test_what_was_answered_while_the_database_was_away_is_stored(
    house: House, postgres: EmbeddedPostgres
) -> None:
    """It crashes before the answer, and is back within the lease: there is no second call."""

    async def status(_: int) -> int:
        await asyncio.to_thread(crash, postgres)
        answered.set()
        return 201

    answered = asyncio.Event()
    async with an_application(house, status) as bodies:
        with started(house.worker()):
            await house.announce(1)
            await asyncio.wait_for(answered.wait(), SECONDS)
            await asyncio.sleep(LATE)
            await asyncio.to_thread(restart, postgres)
            [ended] = await house.until_ended()
            await asyncio.sleep(LATE)

    assert ended == ("done", 1, "T-1")
    assert len(bodies) == 1


async def test_the_answer_that_a_stalled_worker_had_ends_the_handover(house: House) -> None:
    """Its lease is over, and another worker is calling already."""

    async def status(number: int) -> int:
        if number == 1:
            workers[0].signal(signal.SIGSTOP)
            return 201
        called_again.set()
        await ended_by_the_first.wait()
        return 500

    called_again, ended_by_the_first = asyncio.Event(), asyncio.Event()
    workers = [house.worker("stalled"), house.worker("other")]
    async with an_application(house, status) as bodies:
        with started(workers[0]):
            await house.announce(1)
            await until(lambda: bodies, "it is called")
            house.execute(END_LEASES)
            with started(workers[1]):
                await asyncio.wait_for(called_again.wait(), SECONDS)
                workers[0].signal(signal.SIGCONT)
                [ended] = await house.until_ended()
                ended_by_the_first.set()
                await asyncio.sleep(LATE)
                [still] = await house.until_ended()

    assert ended == ("done", 2, "T-1")
    assert still == ended
    assert len(bodies) == 2


async def test_a_stalled_worker_cannot_call_for_time(house: House) -> None:
    """Its late 500 changes nothing: the call that counts is another worker's."""

    async def status(number: int) -> int:
        if number == 1:
            workers[0].signal(signal.SIGSTOP)
            return 500
        called_again.set()
        await late_answer.wait()
        return 201

    called_again, late_answer = asyncio.Event(), asyncio.Event()
    workers = [house.worker("stalled"), house.worker("other")]
    async with an_application(house, status) as bodies:
        with started(workers[0]):
            await house.announce(1)
            await until(lambda: bodies, "it is called")
            house.execute(END_LEASES)
            with started(workers[1]):
                await asyncio.wait_for(called_again.wait(), SECONDS)
                workers[0].signal(signal.SIGCONT)
                await asyncio.sleep(LATE)
                [(state,)] = house.execute("SELECT state FROM postroom.handover")
                late_answer.set()
                [ended] = await house.until_ended()

    assert state == "calling"
    assert ended == ("done", 2, "T-1")


@asynccontextmanager
async def hurrying(house: House) -> AsyncIterator[None]:
    async def hurry() -> None:
        while True:
            house.hurry()
            await asyncio.sleep(0.2)

    task = asyncio.create_task(hurry())
    try:
        yield
    finally:
        await cancel([task])
