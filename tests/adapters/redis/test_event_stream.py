"""Events in a stream: an entry each, by the installation's own Redis."""

import json
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from postroom.adapters.redis.event_stream import EventStreamCaller
from postroom.adapters.redis.servers import Servers, open_redis
from postroom.application.ports import Call
from postroom.domain.events.delivering import body_of, handover_of
from postroom.domain.events.event import Event, EventType, Stored
from postroom.domain.handover.answer import Done, Failed, Unreachable
from postroom.domain.handover.application import Application, InvalidApplication, Role, SetBy
from tests.contracts.samples import NOON

STORED = Stored(
    "evt_1",
    Event(
        tenant="acme",
        type=EventType.MESSAGE_ACCEPTED,
        at=NOON,
        data={"mailbox": "büro", "application": "crm"},
    ),
)


@pytest.fixture
def subscriber(prefix: str) -> Application:
    return Application(
        tenant="",
        name="audit",
        destination=f"redis-stream:events-{prefix}",
        role=Role.SUBSCRIBER,
        timeout=timedelta(seconds=2),
        added_at=NOON,
    )


@pytest.fixture
def caller(servers: Servers) -> EventStreamCaller:
    return EventStreamCaller(servers, length=100)


def call_of(stored: Stored) -> Call:
    return Call(handover_of(stored, "audit", NOON), body_of(stored))


async def entries(redis: Redis, subscriber: Application) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: list[tuple[bytes, dict[bytes, bytes]]] = await redis.xrange(key_of(subscriber))  # type: ignore[assignment]
    return found


def key_of(subscriber: Application) -> str:
    return subscriber.destination.partition(":")[2]


async def test_an_event_is_an_entry(
    redis: Redis, caller: EventStreamCaller, subscriber: Application
) -> None:
    [answer] = await caller.call(subscriber, [call_of(STORED)])

    [(name, entry)] = await entries(redis, subscriber)
    assert answer == Done(reference=name.decode())
    data = json.loads(entry.pop(b"data"))
    assert data == {"version": 1, "id": "evt_1", "tenant": "acme", **STORED.event.data}
    assert entry == {
        b"id": b"evt_1",
        b"type": b"message.accepted",
        b"tenant": b"acme",
        b"time": b"2030-01-01T12:00:00Z",
    }


async def test_a_stream_is_trimmed(
    redis: Redis, caller: EventStreamCaller, subscriber: Application
) -> None:
    calls = [call_of(replace(STORED, id=f"evt_{number}")) for number in range(100)]
    for _ in range(8):
        answers = await caller.call(subscriber, calls)
        assert all(isinstance(answer, Done) for answer in answers)

    assert 100 <= await redis.xlen(key_of(subscriber)) <= 400


async def test_what_is_no_stream_is_refused_and_said(
    redis: Redis, caller: EventStreamCaller, subscriber: Application
) -> None:
    await redis.set(key_of(subscriber), "a text")

    [answer] = await caller.call(subscriber, [call_of(STORED)])

    assert isinstance(answer, Failed)
    assert answer.sure
    assert "events-" not in answer.reason


async def test_whether_redis_answers_can_be_asked(
    caller: EventStreamCaller, subscriber: Application
) -> None:
    assert await caller.ping(subscriber) == Done()


async def test_redis_away_is_the_subscribers_absence(subscriber: Application) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with open_redis(f"redis://127.0.0.1:{port}") as servers:
        caller = EventStreamCaller(servers, length=100)
        answers = await caller.call(subscriber, [call_of(STORED)] * 2)

    assert [type(answer) for answer in answers] == [Unreachable, Unreachable]


@pytest.mark.parametrize("name", ["", "{postroom:0}:lanes", "ä", "a b", "a" * 129])
async def test_no_other_key_can_be_named(
    caller: EventStreamCaller, subscriber: Application, name: str
) -> None:
    try:
        other = replace(subscriber, destination=f"redis-stream:{name}")
    except InvalidApplication:
        return
    [answer] = await caller.call(other, [call_of(STORED)])

    assert isinstance(answer, Unreachable)
    assert answer == await caller.ping(other)


async def test_a_tenant_has_no_stream(caller: EventStreamCaller, subscriber: Application) -> None:
    of_tenant = replace(subscriber, set_by=SetBy.TENANT)

    [answer] = await caller.call(of_tenant, [call_of(STORED)])

    assert isinstance(answer, Unreachable)
