"""Watches of mailboxes at Gmail, and the replicas that answer for them."""

from datetime import timedelta

from pytest_bdd import given, parsers, then, when

from postroom.adapters.google.watch_errors import NO_PUBLISHER
from tests.features.providers import Gmail
from tests.features.providers.gmail import TOPIC
from tests.features.scene import Scene
from tests.features.steps.words import ACCEPTED


@given("a mailbox at Gmail that Postroom watches")
def _(scene: Scene) -> None:
    _gmail(scene).topic = TOPIC
    scene.run(scene.add("Gmail"))
    scene.run(scene.serve())


@given("Gmail may not publish to the topic")
def _(scene: Scene) -> None:
    _gmail(scene).watches.refusal = NO_PUBLISHER


@given("what Gmail has sent of its watch has come")
@when("what Gmail has sent of its watch has come")
def _(scene: Scene) -> None:
    scene.run(_come(scene))


@given("somebody has stopped the watch")
def _(scene: Scene) -> None:
    for each in _gmail(scene).watches.live(scene.mailbox):
        _gmail(scene).watches.lose(each)


THIRD = "{count:d} messages arrive in {minutes:d} minutes, and each third is announced"


@when(parsers.parse(THIRD))
def _(scene: Scene, count: int, minutes: int) -> None:
    for number in range(count):
        pointer = scene.arrive()
        scene.run(scene.pass_time(timedelta(minutes=minutes / count)))
        if number % 3 == 2:
            assert scene.run(scene.announce(pointer)) in ACCEPTED
            scene.run(scene.service.handle_waiting())


@given("the replica that answers lags behind the last message")
def _(scene: Scene) -> None:
    scene.stage.changes.lag(scene.mailbox, back=1)


@when("the replica has caught up")
@given("the replica has caught up")
def _(scene: Scene) -> None:
    scene.stage.changes.catch_up(scene.mailbox)


@given("the mailbox was deleted, and another one made in its place")
def _(scene: Scene) -> None:
    scene.stage.changes.recreate(scene.mailbox, keep=0)


@then("the position has not gone back")
def _(scene: Scene) -> None:
    [folder_sync] = scene.run(scene.folder_syncs())
    changes = scene.stage.changes
    changes.catch_up(scene.mailbox)
    assert int(folder_sync.position) == changes.end(scene.mailbox)


@then("the mailbox is watched")
def _(scene: Scene) -> None:
    assert len(_gmail(scene).watches.live(scene.mailbox)) == 1


@then("the mailbox is not watched")
def _(scene: Scene) -> None:
    assert _gmail(scene).watches.live(scene.mailbox) == []


def _gmail(scene: Scene) -> Gmail:
    gmail = scene.service.stages["Gmail"]
    assert isinstance(gmail, Gmail)
    return gmail


async def _come(scene: Scene) -> None:
    for request in _gmail(scene).first_notifications():
        assert await scene.service.send(request) in ACCEPTED
    await scene.service.handle_waiting()
