"""Postroom at work, while time passes."""

import asyncio
from datetime import timedelta

from pytest_bdd import given, parsers, then, when

from tests.features.mail import mail
from tests.features.scene import Scene
from tests.features.service import LEASE
from tests.features.steps.words import duration, sentence


@given("the waiting mail was handled")
@when("the waiting mail is handled")
def _(scene: Scene) -> None:
    scene.run(scene.service.handle_waiting())


@given("the waiting mail was handled one by one")
@when("the waiting mail is handled one by one")
def _(scene: Scene) -> None:
    scene.run(scene.service.handle_waiting(at_a_time=1))


@when("the waiting mail is handled until nothing waits")
def _(scene: Scene) -> None:
    scene.run(scene.service.handle_everything())


@given(parsers.parse("{seconds:d} seconds have passed"))
def _(scene: Scene, seconds: int) -> None:
    scene.clock.advance(timedelta(seconds=seconds))


@given(sentence(r"Postroom has run for {time}"))
@when(sentence(r"Postroom runs for {time}"))
def _(scene: Scene, count: str, unit: str) -> None:
    scene.run(_run(scene, duration(count, unit)))


@given(sentence(r"the listener has run for {time}"))
@when(sentence(r"the listener runs for {time}"))
def _(scene: Scene, count: str, unit: str) -> None:
    scene.run(scene.pass_time(duration(count, unit), handling=False))


@given(sentence(r"Postroom was stopped for {time}"))
@when(sentence(r"Postroom is stopped for {time}"))
def _(scene: Scene, count: str, unit: str) -> None:
    scene.run(scene.listening.stop())
    scene.clock.advance(duration(count, unit))


@given("two processes have synced the mailbox at a time")
def _(scene: Scene) -> None:
    async def both() -> None:
        await asyncio.gather(scene.service.maintain_due(), scene.service.maintain_due())

    scene.run(both())


async def _run(scene: Scene, time: timedelta) -> None:
    if scene.stage is scene.imap and scene.listens and not scene.listening.is_running:
        await scene.listening.start()
    await scene.pass_time(time)


# --- Two mailboxes ------------------------------------------------------------------------------


@given(
    sentence(
        r"(?P<count>\d+) messages wait in a mailbox at {provider}"
        r" and 1 in one at (?P<other>Microsoft 365|Gmail|IMAP)"
    )
)
def _(scene: Scene, count: str, provider: str, other: str) -> None:
    scene.run(scene.add(provider))
    for _ in range(int(count)):
        scene.run(scene.queue_message())
    scene.run(scene.add(other, "other"))
    scene.run(scene.queue_message(mail("the other")))


@when(parsers.parse("the first {count:d} messages are handled"))
def _(scene: Scene, count: int) -> None:
    for claim in scene.run(scene.service.queue.claim(count, LEASE)):
        scene.run(scene.service.consume(claim))


@then("one of them is from the other mailbox")
def _(scene: Scene) -> None:
    assert "the other" in [ticket.subject for ticket in scene.run(scene.seen.tickets())]
