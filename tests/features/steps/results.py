"""What became of the mail: what waits, what was read, tickets and outcomes."""

from datetime import timedelta

from pytest_bdd import parsers, then

from postroom.domain.outcome import Dead, Skipped, name_of
from tests.features.scene import Scene
from tests.features.service import LEASE
from tests.features.steps.words import number_of, sentence

# --- In the queue -------------------------------------------------------------------------------


@then("no lane is held back")
def _(scene: Scene) -> None:
    lanes = scene.run(scene.service.queue.statistics())
    assert [lane for lane in lanes if lane.paused or lane.waiting_for is not None] == []


@then("one pointer is waiting")
def _(scene: Scene) -> None:
    assert scene.run(scene.seen.waiting()) == 1


@then("nothing is waiting")
def _(scene: Scene) -> None:
    assert scene.run(scene.seen.waiting()) == 0


@then(parsers.parse('nothing that waits says "{word}"'))
def _(scene: Scene, word: str) -> None:
    (claim,) = scene.run(scene.service.queue.claim(10, LEASE))
    assert word not in repr(claim.job)


@then("one message still waits, at no cost")
def _(scene: Scene) -> None:
    assert scene.run(scene.seen.waiting()) == 1
    assert scene.run(scene.seen.dead()) == []


@then(parsers.parse("the message is tried again in {seconds:d} seconds"))
def _(scene: Scene, seconds: int) -> None:
    scene.clock.advance(timedelta(seconds=seconds - 1))
    assert scene.run(scene.service.queue.claim(10, LEASE)) == []
    scene.clock.advance(timedelta(seconds=2))
    assert scene.run(scene.seen.waiting()) == 1


@then("that has cost no attempt")
def _(scene: Scene) -> None:
    (claim,) = scene.run(scene.service.queue.claim(10, LEASE))
    assert claim.attempt == 1


# --- At the provider ----------------------------------------------------------------------------


@then("no mail has been read")
def _(scene: Scene) -> None:
    assert scene.service.messages.fetched == []


@then("the mail has been read once")
@then("one message has been requested of the provider")
def _(scene: Scene) -> None:
    assert len(scene.service.messages.fetched) == 1


# --- At the helpdesk ----------------------------------------------------------------------------


@then(sentence(r"there (?:is|are) (?P<count>no|one|\d+) tickets?"))
def _(scene: Scene, count: str) -> None:
    assert len(scene.run(scene.seen.tickets())) == number_of(count)


@then("there is one ticket more")
def _(scene: Scene) -> None:
    assert scene.counts().tickets == scene.before.tickets + 1


@then(parsers.parse('there is one ticket about "{subject}"'))
def _(scene: Scene, subject: str) -> None:
    assert [ticket.subject for ticket in scene.run(scene.seen.tickets())] == [subject]


@then(parsers.parse("there is one ticket with {count:d} comments"))
def _(scene: Scene, count: int) -> None:
    assert [len(ticket.comments) for ticket in scene.run(scene.seen.tickets())] == [count]


@then("the ticket begins with the message")
def _(scene: Scene) -> None:
    (ticket,) = scene.run(scene.seen.tickets())
    assert ticket.subject == "Original"


@then(parsers.parse('the ticket has the document "{name}"'))
def _(scene: Scene, name: str) -> None:
    (ticket,) = scene.run(scene.seen.tickets())
    assert [document.filename for document in ticket.opening.documents] == [name]


# --- Outcomes -----------------------------------------------------------------------------------


@then(parsers.re(r'the latest outcome is "(?P<name>\w+)"'))
def _(scene: Scene, name: str) -> None:
    assert name_of(scene.run(scene.seen.latest_outcome()).outcome) == name


@then(parsers.re(r'the latest outcome is "skipped" since (?P<reason>.+)'))
def _(scene: Scene, reason: str) -> None:
    outcome = scene.run(scene.seen.latest_outcome()).outcome
    assert isinstance(outcome, Skipped | Dead)
    assert name_of(outcome) == "skipped"
    if reason == "the source is unavailable":
        assert outcome.reason.startswith("source unavailable")
    else:
        assert outcome.reason == reason.removeprefix('it is "').removesuffix('"')


@then("each of them took one attempt")
def _(scene: Scene) -> None:
    records = scene.run(scene.service.rig.outcomes.find(scene.service.tenant))
    assert {record.attempt for record in records} == {1}


@then(parsers.parse("it took {count:d} attempts"))
def _(scene: Scene, count: int) -> None:
    assert scene.run(scene.seen.latest_outcome()).attempt == count
