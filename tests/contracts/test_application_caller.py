"""What every ApplicationCaller promises, whatever way an application is called."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from postroom.application.ports import ApplicationCaller, Call
from postroom.domain.handover.answer import Answer, Done, Duplicate, Failed, Unreachable
from postroom.domain.handover.application import Application
from tests.calling import call_of
from tests.contracts.application_stages import SECOND, Stage, by_table, in_memory, over_http
from tests.engines import DATABASE_SERVERS

PORTS = {ApplicationCaller}

SUBJECT = 'Grüße, "日本", \u200d, \\ and a\nbreak'


@pytest.fixture(params=["memory", "http", *DATABASE_SERVERS])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    match request.param:
        case "memory":
            opened = in_memory()
        case "http":
            opened = over_http()
        case server:
            fixture = {"postgres-18": "postgres_url", "postgres-15": "debian_postgres_url"}[server]
            opened = by_table(request.getfixturevalue(fixture))
    async with opened as stage:
        yield stage


def message(number: int) -> Call:
    key = f"msg_{number}"
    body = {"type": "mail.received", "data": {"key": key, "subject": SUBJECT}}
    return call_of(key, json.dumps(body).encode())


async def call(stage: Stage, application: Application, *calls: Call) -> list[Answer]:
    """As many at a time as one call takes."""
    batch = stage.caller.batch
    portions = [calls[start : start + batch] for start in range(0, len(calls), batch)]
    return [each for some in portions for each in await stage.caller.call(application, some)]


async def test_a_message_is_handed_over_as_it_is(stage: Stage) -> None:
    (answer,) = await call(stage, stage.taking, message(1))

    assert isinstance(answer, Done)
    assert await stage.received() == [("msg_1", json.loads(message(1).body))]


async def test_a_second_call_of_a_key_is_a_duplicate(stage: Stage) -> None:
    await call(stage, stage.taking, message(1))

    (answer,) = await call(stage, stage.taking, message(1))

    assert isinstance(answer, Duplicate)
    assert len(await stage.received()) == 1


async def test_answers_are_in_the_order_of_the_calls(stage: Stage) -> None:
    await call(stage, stage.taking, message(2))

    answers = await call(stage, stage.taking, *map(message, range(5)))

    assert list(map(type, answers)) == [Done, Done, Duplicate, Done, Done]
    keys = [key for key, _ in await stage.received()]
    assert keys == ["msg_2", "msg_0", "msg_1", "msg_3", "msg_4"]


async def test_of_calls_of_one_key_at_once_one_has_an_effect(stage: Stage) -> None:
    answers = await asyncio.gather(*(call(stage, stage.taking, message(1)) for _ in range(8)))

    kinds = [type(answer) for (answer,) in answers]
    assert sorted(kinds, key=str) == [Done, *[Duplicate] * 7]
    assert len(await stage.received()) == 1


async def test_no_calls_have_no_answers(stage: Stage) -> None:
    assert await stage.caller.call(stage.taking, []) == []


async def test_a_ping_is_done_and_leaves_nothing(stage: Stage) -> None:
    assert isinstance(await stage.caller.ping(stage.taking), Done)
    assert await stage.received() == []


async def test_an_application_that_breaks_has_failed(stage: Stage) -> None:
    answers = await call(stage, stage.broken, message(1), message(2))

    assert list(map(type, answers)) == [Failed, Failed]


async def test_an_application_that_is_away_is_unreachable(stage: Stage) -> None:
    answers = await call(stage, stage.away, message(1), message(2))

    assert list(map(type, answers)) == [Unreachable, Unreachable]
    assert isinstance(await stage.caller.ping(stage.away), Unreachable)


async def test_a_destination_that_cannot_be_read_is_unreachable(stage: Stage) -> None:
    (answer,) = await call(stage, stage.unreadable, message(1))

    assert isinstance(answer, Unreachable)
    assert isinstance(await stage.caller.ping(stage.unreadable), Unreachable)


async def test_a_call_that_is_not_answered_ends_in_time_and_holds_up_no_other(
    stage: Stage,
) -> None:
    now = asyncio.get_running_loop().time
    began = now()
    hanging = asyncio.create_task(call(stage, stage.hanging, message(1)))
    await asyncio.sleep(0)

    (taken,) = await call(stage, stage.taking, message(1))
    assert not hanging.done()
    (failed,) = await hanging

    assert isinstance(taken, Done)
    assert isinstance(failed, Failed)
    assert now() - began < 2 * SECOND.total_seconds()


async def test_a_ping_that_is_not_answered_ends_in_time(stage: Stage) -> None:
    assert isinstance(await stage.caller.ping(stage.hanging), Failed)


async def test_after_a_failure_calls_go_on(stage: Stage) -> None:
    for application in (stage.broken, stage.away, stage.unreadable):
        await call(stage, application, message(1))

        assert isinstance(await stage.caller.ping(stage.taking), Done)
