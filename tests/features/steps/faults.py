"""Failures that have an owner: one message, its mailbox, its provider."""

from pytest_bdd import given, parsers, then

from postroom.adapters.memory.fetcher import source_of
from postroom.domain.failure import AccessFailed, Unavailable
from tests.features.scene import Scene

FAILURES = {
    "500": Unavailable("the provider answered 500"),
    "403": AccessFailed("403"),
    "connection refused": Unavailable("connection refused", answered=False),
}


@given(parsers.parse('one of them always fails, with "{failure}"'))
def _(scene: Scene, failure: str) -> None:
    scene.service.messages.broken[source_of(scene.pointers[-1])] = FAILURES[failure]


@given(parsers.parse('the provider is up for one call in ten, and else says "{failure}"'))
def _(scene: Scene, failure: str) -> None:
    scene.stage.flap(FAILURES[failure], one_in=10)


@given("the provider does not have the message yet")
def _(scene: Scene) -> None:
    messages = scene.service.messages.messages
    scene.withheld = messages.pop(source_of(scene.pointers[-1]))


@given("the provider has the message now")
def _(scene: Scene) -> None:
    assert scene.withheld
    scene.service.messages.put(scene.withheld)


@given("the message is announced once more")
def _(scene: Scene) -> None:
    scene.run(scene.service.ingest(scene.mailbox, [scene.pointers[-1]]))


@given("it kills whatever process handles it")
def _(scene: Scene) -> None:
    scene.service.isolation.is_deadly = True


@then(parsers.parse("it had {count:d} processes of its own"))
def _(scene: Scene, count: int) -> None:
    assert len(scene.service.isolation.ran) == count


@then(parsers.parse("no more than {count:d} messages have been requested of the provider"))
def _(scene: Scene, count: int) -> None:
    assert len(scene.service.messages.fetched) <= count
