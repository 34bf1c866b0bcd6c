"""What was set aside, and what a person does with it."""

from pytest_bdd import given, parsers, then, when

from postroom.domain.failure import Unavailable, Unprocessable
from tests.features.scene import Scene
from tests.features.steps.words import AWAY, sentence


@given("a message in the dead letters whose reason is gone")
def _(scene: Scene) -> None:
    scene.service.messages.failures.append(Unprocessable("it is empty"))
    scene.run(scene.queue_message())
    scene.run(scene.service.handle_waiting())


@given(parsers.parse("{count:d} messages in the dead letters since the provider was away"))
def _(scene: Scene, count: int) -> None:
    attempts = count * scene.service.consume.policy.max_attempts
    scene.service.messages.failures.extend([Unavailable(AWAY)] * attempts)
    for _ in range(count):
        scene.run(scene.queue_message())
    scene.run(scene.service.handle_everything())


@given(parsers.parse("{count:d} messages in the dead letters since they are empty"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.run(scene.queue_message(b""))
    scene.run(scene.service.handle_waiting())


@given("a person has redriven it")
def _(scene: Scene) -> None:
    (letter,) = scene.run(scene.seen.dead())
    assert scene.run(scene.service.queue.redrive([letter.id])) == [letter.id]


@when("a person redrives those that failed since the provider was away")
def _(scene: Scene) -> None:
    scene.run(_redrive(scene, AWAY))


@when("a person redrives all of them while they are handled")
def _(scene: Scene) -> None:
    scene.service.messages.fetched.clear()
    scene.run(_redrive(scene))


@when("a person asks how many would be redriven")
def _(scene: Scene) -> None:
    scene.number = scene.run(_survey(scene))


@when("a person purges them")
def _(scene: Scene) -> None:
    scene.run(_purge(scene))


@then(parsers.parse("the number is {count:d}"))
def _(scene: Scene, count: int) -> None:
    assert scene.number == count


@then(sentence(r"one message is in the dead letters(?: after (?P<attempts>\d+) attempts)?"))
def _(scene: Scene, attempts: str | None) -> None:
    (letter,) = scene.run(scene.seen.dead())
    assert attempts is None or letter.attempts == int(attempts)


@then(parsers.parse("{count:d} messages are in the dead letters"))
def _(scene: Scene, count: int) -> None:
    assert len(scene.run(scene.seen.dead())) == count


@given("nothing is in the dead letters")
@then("nothing is in the dead letters")
def _(scene: Scene) -> None:
    assert scene.run(scene.seen.dead()) == []


@then("each of them was tried once more")
def _(scene: Scene) -> None:
    assert len(scene.service.messages.fetched) == len(scene.run(scene.seen.dead()))


@then("each attempt's reason is shown there")
def _(scene: Scene) -> None:
    (letter,) = scene.run(scene.seen.dead())
    assert len(letter.reasons) == letter.attempts
    assert all(AWAY in reason for _, reason in letter.reasons)


async def _redrive(scene: Scene, reason: str = "") -> None:
    """Redrive those that say *reason*, and handle them meanwhile."""
    async for _ in scene.service.dead_letters.redrive(scene.seen.dead_ones(reason)):
        await scene.service.handle_waiting()


async def _purge(scene: Scene) -> None:
    async for _ in scene.service.dead_letters.purge(scene.seen.dead_ones()):
        pass


async def _survey(scene: Scene) -> int:
    *_, survey = [step async for step in scene.service.dead_letters.survey(scene.seen.dead_ones())]
    return survey.matched
