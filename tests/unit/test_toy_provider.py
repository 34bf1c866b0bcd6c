"""A provider needs its package and a line: with those, all the rest serves the toy one as it is."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import CheckStep
from postroom.application.providers import Providers
from postroom.domain.failure import AccessFailed
from postroom.domain.outcome import name_of
from tests.toy_provider import ToyPointer
from tests.unit.api_rig import CLIENT_STATE, SUBSCRIPTION, Rig, open_rig, toy_mailbox
from tests.unit.telemetry_rig import Worker

MAILBOX = toy_mailbox()
RAW = b"From: ann@sender.example\nSubject: Hello\nMessage-ID: <1@sender.example>\n\nHello!\n"


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        opened.server.tokens["support"] = "hush"
        yield opened


async def notify(rig: Rig, pointer: ToyPointer) -> None:
    item = {"subscription": SUBSCRIPTION, "secret": CLIENT_STATE, "number": pointer.number}
    async with AsyncTestClient(rig.app()) as client:
        response = await client.post("/webhooks/toy", json={"items": [item]})
    assert response.status_code == 202


async def outcomes(rig: Rig) -> list[str]:
    """What has become of the mailbox's mail, oldest first."""
    found = await rig.outcomes.find("acme", limit=10)
    return [name_of(record.outcome) for record in reversed(found)]


async def test_a_message_that_a_notification_announces_is_handled(rig: Rig) -> None:
    await rig.subscribe(MAILBOX)
    pointer = rig.server.deliver("support", RAW, rig.clock.now())

    await notify(rig, pointer)
    await Worker(rig).work()

    assert await outcomes(rig) == ["completed"]


async def test_a_message_that_nobody_announces_is_found_and_handled_once(rig: Rig) -> None:
    await rig.subscribe(MAILBOX)
    pointer = rig.server.deliver("support", RAW, rig.clock.now())
    await Worker(rig).sync()
    rig.clock.time = (await rig.folder_syncs.all())[0].due_at
    await Worker(rig).sync()
    await Worker(rig).work()

    await notify(rig, pointer)
    await Worker(rig).work()

    assert await outcomes(rig) == ["completed", "duplicate"]


async def test_a_message_that_is_gone_by_then_is_skipped(rig: Rig) -> None:
    await rig.subscribe(MAILBOX)
    pointer = rig.server.deliver("support", RAW, rig.clock.now())
    rig.server.delete("support", pointer)

    await notify(rig, pointer)
    for _ in range(10):  # minutes in which its server might not have it yet
        await Worker(rig).work()
        rig.clock.advance(timedelta(minutes=1))

    assert await outcomes(rig) == ["skipped"]


async def test_while_the_mailbox_cannot_be_read_its_mail_waits(rig: Rig) -> None:
    await rig.subscribe(MAILBOX)
    pointer = rig.server.deliver("support", RAW, rig.clock.now())
    rig.server.failure = AccessFailed("the token is refused")
    await notify(rig, pointer)

    [outcome] = await Worker(rig).work()
    rig.server.failure = None
    rig.clock.advance(timedelta(minutes=10))
    await Worker(rig).work()

    assert name_of(outcome) == "deferred"
    assert await outcomes(rig) == ["completed"]


async def test_a_check_says_why_it_failed(rig: Rig) -> None:
    rig.server.tokens.clear()

    steps = [step async for step in rig.toy.check.check(MAILBOX)]

    assert steps == [CheckStep("signing in", "the token is refused", "give another token")]


def test_it_stands_among_the_others_by_its_name(rig: Rig) -> None:
    assert Providers([rig.toy]).serving("toy").title == "Toy Mail"
