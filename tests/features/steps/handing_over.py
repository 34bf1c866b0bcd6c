"""Applications that mail is handed over to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_bdd import given, parsers, then, when

from postroom.domain.handover.application import Mode, Order, WhenUnsure
from postroom.domain.handover.handover import BACKLOG, Handover, State
from postroom.domain.outcome import Completed, Effect, name_of
from tests.features.applications import COPY, NAME, Applications
from tests.features.mail import mail
from tests.features.scene import MINUTE, Scene
from tests.features.steps.words import number_of, sentence

ORIGINAL = "<original@example.org>"

SETTINGS: dict[str, dict[str, Any]] = {
    "": {},
    " that wants them in order": {"order": Order.MAILBOX},
    " that cannot keep a key": {"when_unsure": WhenUnsure.HOLD},
    " that is in shadow": {"mode": Mode.SHADOW},
    ", and copies to another": {"copies": (COPY,)},
    " that has another for its fallback": {"fallback": COPY},
    " that lets 5 messages wait": {"max_backlog": 5},
}


@given(sentence(r"its messages are handed over to an application(?P<kind>.*)"))
def _(scene: Scene, kind: str) -> None:
    scene.run(_add(scene, SETTINGS[kind]))


async def _add(scene: Scene, settings: dict[str, Any]) -> None:
    applications = scene.service.applications
    await applications.add(**settings)
    for name in (*settings.get("copies", ()), settings.get("fallback", "")):
        if name:
            await applications.add(name)
    await scene.service.rig.applications.set_route(scene.service.tenant, NAME)


# --- What an application does ---------------------------------------------------------------------


@given(parsers.parse('the application is down, with "{failure}"'))
@given(parsers.parse('each call of the application ends with "{failure}"'))
def _(scene: Scene, failure: str) -> None:
    scene.service.applications.failure = failure


@given("the fallback is up")
def _(scene: Scene) -> None:
    scene.service.applications.unharmed.add(COPY)


@given(parsers.parse('the first call of the application ends with "{failure}"'))
def _(scene: Scene, failure: str) -> None:
    """Before the outage: it is the one message of which the application is not sure, or is."""
    scene.service.applications.failure = failure
    scene.run(scene.service.handle_waiting())
    scene.run(scene.service.applications.call_once())


@given("the fallback was removed")
def _(scene: Scene) -> None:
    async def remove() -> None:
        stored = scene.service.rig.applications
        found = await stored.get(scene.service.tenant, COPY)
        assert found
        await stored.remove(found)

    scene.run(remove())


@given("the application is up again")
def _(scene: Scene) -> None:
    scene.service.applications.failure = ""


@given(parsers.parse('the application never takes one of them, with "{failure}"'))
def _(scene: Scene, failure: str) -> None:
    """The first that is accepted."""
    scene.run(scene.service.handle_waiting())
    first = scene.run(_handovers(scene))[0]
    scene.service.applications.refused[first.key] = failure


@given("the application takes the next message, and is not heard")
def _(scene: Scene) -> None:
    scene.service.applications.lost = 1


@given("the application is set to deliver")
def _(scene: Scene) -> None:
    async def deliver() -> None:
        stored = scene.service.rig.applications
        before = await stored.get(scene.service.tenant, NAME)
        assert before
        await stored.replace(before, replace(before, mode=Mode.DELIVER))

    scene.run(deliver())


# --- What happens to its mail ---------------------------------------------------------------------


@given("the message was accepted")
@given("they were accepted")
def _(scene: Scene) -> None:
    scene.run(scene.service.handle_waiting())
    assert scene.run(_handovers(scene))


@given("the message is deleted at the provider")
def _(scene: Scene) -> None:
    scene.service.messages.messages.clear()


@given("the ledger has lost all that was handled")
def _(scene: Scene) -> None:
    """As one that was restored from a backup; the handovers are there."""
    scene.service.rig.ledger._database._tenants[scene.service.tenant].handled.clear()  # type: ignore[attr-defined]


@when("two different messages with one Message-ID are handed over")
def _(scene: Scene) -> None:
    for text in ("One matter.", "Quite another."):
        raw = mail(message_id=ORIGINAL, text=text)
        scene.run(scene.service.ingest(scene.mailbox, [scene.arrive(raw)]))
    scene.run(scene.work(handling=True))


@given("the waiting mail was handed over")
@when("the waiting mail is handed over")
def _(scene: Scene) -> None:
    scene.run(scene.work(handling=True))


@when("a person says of it that it is done")
def _(scene: Scene) -> None:
    async def move() -> None:
        [record] = await scene.service.applications.handovers()
        await scene.service.rig.handover_records.move(record, State.DONE, "a person says so")

    scene.run(move())


# --- What can be seen -----------------------------------------------------------------------------


@given(sentence(r"the (?P<which>application|other one) has (?P<count>no|one|\d+) messages?"))
@then(sentence(r"the (?P<which>application|other one) has (?P<count>no|one|\d+) messages?"))
def _(scene: Scene, which: str, count: str) -> None:
    name = NAME if which == "application" else COPY
    effects = scene.service.applications.effects(name)
    assert len(effects) == number_of(count)
    assert len(set(effects)) == len(effects)


@then("no message was called with at both")
def _(scene: Scene) -> None:
    applications = scene.service.applications
    assert not set(applications.effects(NAME)) & set(applications.effects(COPY))


@then("both have it under one key")
def _(scene: Scene) -> None:
    applications = scene.service.applications
    assert applications.effects(NAME) == applications.effects(COPY) != []


@then("the application has them under two keys")
def _(scene: Scene) -> None:
    assert len(set(scene.service.applications.effects())) == 2


@then("the latest outcome has the reference that the application gave it")
def _(scene: Scene) -> None:
    outcome = scene.run(scene.seen.latest_outcome()).outcome
    assert outcome == Completed(Effect.HANDED_OVER, "1")


@then("each of them was called with the same bytes each time")
def _(scene: Scene) -> None:
    bodies: dict[str, set[bytes]] = {}
    for call in scene.service.applications.calls():
        bodies.setdefault(call.handover.key, set()).add(call.body)
    assert {len(each) for each in bodies.values()} == {1}


@given(parsers.parse("it was called no more than {count:d} times"))
@then(parsers.parse("it was called no more than {count:d} times"))
def _(scene: Scene, count: int) -> None:
    assert 0 < len(scene.service.applications.calls()) <= count


@then("it was not called")
def _(scene: Scene) -> None:
    assert scene.service.applications.calls() == []


@then("nothing is charged, and nothing has died")
def _(scene: Scene) -> None:
    found = scene.run(_handovers(scene))
    assert {each.charged for each in found} <= {0}
    assert [each for each in found if each.state in (State.DEAD, State.REFUSED)] == []
    assert scene.run(scene.seen.dead()) == []


@then(parsers.parse('one is dead, which failed {count:d} times while others were taken: "{why}"'))
def _(scene: Scene, count: int, why: str) -> None:
    [dead] = _in(State.DEAD)(scene)
    assert (dead.charged, why in dead.reason) == (count, True)
    outcomes = scene.run(scene.service.rig.outcomes.find(scene.service.tenant))
    assert [name_of(each.outcome) for each in outcomes].count("dead") == 1


@then(sentence(r"(?P<count>no|one|\d+) messages? waits? for a person"))
def _(scene: Scene, count: str) -> None:
    assert len(_in(State.HELD)(scene)) == number_of(count)


@given(parsers.parse("{count:d} messages wait for the application"))
@then(parsers.parse("{count:d} messages wait for the application"))
def _(scene: Scene, count: int) -> None:
    assert len(_in(*BACKLOG)(scene)) == count


@then(parsers.parse("{count:d} messages wait in shadow"))
def _(scene: Scene, count: int) -> None:
    assert len(_in(State.SHADOW)(scene)) == count


@given(parsers.parse("{count:d} pointers are waiting"))
@then(parsers.parse("{count:d} pointers are waiting"))
def _(scene: Scene, count: int) -> None:
    assert scene.run(scene.seen.waiting()) == count


@then("the application has them in the order in which they were accepted, without a gap")
def _(scene: Scene) -> None:
    found = scene.run(_handovers(scene))
    assert sorted(each.sequence or 0 for each in found) == list(range(1, len(found) + 1))
    taken = [each.key for each in sorted(found, key=lambda each: each.sequence or 0)]
    ended = [key for key in taken if key in scene.service.applications.effects()]
    assert scene.service.applications.effects() == ended


@then("the others were handed over within a minute")
def _(scene: Scene) -> None:
    done = _in(State.DONE)(scene)
    assert done
    assert all(each.ended_at and each.ended_at - each.accepted_at <= MINUTE for each in done)


async def _handovers(scene: Scene) -> list[Handover]:
    applications: Applications = scene.service.applications
    return [record.handover for record in await applications.handovers()]


def _in(*states: State) -> Callable[[Scene], list[Handover]]:
    def found(scene: Scene) -> list[Handover]:
        return [each for each in scene.run(_handovers(scene)) if each.state in states]

    return found
