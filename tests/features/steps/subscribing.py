"""Subscribers, and what they hear."""

import json
from collections import Counter
from typing import Any

from pytest_bdd import given, parsers, then

from postroom.domain.handover.application import Role
from tests.features.applications import SUBSCRIBER
from tests.features.scene import Scene
from tests.features.steps.words import sentence

SETTINGS: dict[str, dict[str, Any]] = {
    "": {},
    ", of which 5 may wait": {"max_backlog": 5},
    ', but only to "message.completed"': {"events": ("message.completed",)},
}


@given(sentence(r"somebody subscribes to events(?P<kind>.*)"))
def _(scene: Scene, kind: str) -> None:
    add = scene.service.applications.add(SUBSCRIBER, role=Role.SUBSCRIBER, **SETTINGS[kind])
    scene.run(add)


@given(parsers.parse('the subscriber is down, with "{failure}"'))
def _(scene: Scene, failure: str) -> None:
    scene.service.applications.subscriber_failure = failure


@given("the subscriber is up again")
def _(scene: Scene) -> None:
    scene.service.applications.subscriber_failure = ""


@given("nothing was heard")
def _(scene: Scene) -> None:
    assert _heard(scene) == []


@then(sentence(r'"(?P<type_>[a-z.]+)" was heard (?P<count>once|\d+ times)'))
def _(scene: Scene, type_: str, count: str) -> None:
    types = [event["type"] for event in _heard(scene)]
    assert types.count(type_) == (1 if count == "once" else int(count.split(maxsplit=1)[0]))


@then(parsers.parse("{count:d} events were heard"))
def _(scene: Scene, count: int) -> None:
    assert len(_heard(scene)) == count


@then("each outcome of a message was heard of once")
def _(scene: Scene) -> None:
    outcomes = scene.run(scene.service.rig.outcomes.find(scene.service.tenant, limit=1000))
    events = [each.event for each in outcomes]
    stored = Counter((each.data["jobId"], each.type.value) for each in events if each)
    heard = Counter((event["data"].get("jobId"), event["type"]) for event in _heard(scene))
    assert stored == heard


def _heard(scene: Scene) -> list[Any]:
    """What the subscriber has taken: each once, and under one id however often it was called."""
    applications = scene.service.applications
    ids = applications.effects(SUBSCRIBER)
    assert len(set(ids)) == len(ids)
    bodies = {call.handover.key: call.body for call in applications.calls(SUBSCRIBER)}
    heard = [json.loads(bodies[each]) for each in ids]
    assert [event["data"]["id"] for event in heard] == ids
    return heard
