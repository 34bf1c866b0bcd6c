"""What goes wrong: at the provider, in the queue, in a worker."""

from dataclasses import replace
from datetime import timedelta

from pytest_bdd import given, parsers, when

from postroom.domain.failure import AccessFailed, Throttled, Unavailable, Unprocessable
from tests.features.dying import Died, DyingLedger, DyingProcessor, die_handling
from tests.features.scene import Scene
from tests.features.steps.words import AWAY


@given("nothing can be queued at the moment")
def _(scene: Scene) -> None:
    scene.fragile.open = False


@given("mail can be queued again")
def _(scene: Scene) -> None:
    scene.fragile.open = True


# --- Messages that cannot be fetched ------------------------------------------------------------


@given("the first of them can never be processed")
def _(scene: Scene) -> None:
    messages = scene.service.messages
    messages.broken[next(iter(messages.messages))] = Unprocessable("it is empty")


@given(parsers.parse("the provider asks to be left alone for {seconds:d} seconds"))
def _(scene: Scene, seconds: int) -> None:
    wish = timedelta(seconds=seconds)
    scene.service.messages.failures.append(Throttled("429", retry_after=wish))


@given(parsers.parse("the provider fails {times:d} times"))
def _(scene: Scene, times: int) -> None:
    scene.service.messages.failures.extend([Unavailable(AWAY)] * times)


@given("the provider always fails")
def _(scene: Scene) -> None:
    scene.service.messages.failures.extend([Unavailable(AWAY)] * 100)


@given("the access to the message is refused once")
def _(scene: Scene) -> None:
    scene.service.messages.failures.append(AccessFailed("403"))


# --- Mailboxes that cannot be read --------------------------------------------------------------


@given(parsers.parse('the provider is away, with "{error}"'))
def _(scene: Scene, error: str) -> None:
    scene.stage.break_down(scene.mailbox, Unavailable(error))


@given(parsers.parse("the mailbox has asked to be left alone for {minutes:d} minutes"))
def _(scene: Scene, minutes: int) -> None:
    """It says so once, when it is synced next: if it is asked again, it responds."""
    wish = timedelta(minutes=minutes)
    scene.stage.break_down(scene.mailbox, Throttled("too many requests", retry_after=wish))
    scene.run(scene.pass_time(timedelta(minutes=15)))
    scene.stage.repair(scene.mailbox)


@given(parsers.parse('the access to the mailbox is refused, with "{refusal}"'))
def _(scene: Scene, refusal: str) -> None:
    scene.stage.break_down(scene.mailbox, AccessFailed(refusal))


@given("the provider is back")
@given("the access to the mailbox is given again")
def _(scene: Scene) -> None:
    scene.stage.repair(scene.mailbox)


@given("the provider has forgotten our position")
def _(scene: Scene) -> None:
    scene.stage.changes.expire(scene.mailbox)


# --- Workers that die ---------------------------------------------------------------------------


@given("a worker that died after it had made the ticket, and before it said so")
def _(scene: Scene) -> None:
    service = scene.service
    consume = replace(service.consume, ledger=DyingLedger(service.rig.ledger))
    scene.run(scene.queue_message())
    scene.run(die_handling(service, consume))


@given("a worker that died while it made the ticket")
def _(scene: Scene) -> None:
    service = scene.service
    consume = replace(service.consume, processor=DyingProcessor(service.file))
    scene.run(scene.queue_message())
    scene.run(die_handling(service, consume))


@given(parsers.parse("a message of which {count:d} workers have died"))
def _(scene: Scene, count: int) -> None:
    async def die(_: object) -> None:
        raise Died

    scene.run(scene.queue_message())
    for _ in range(count):
        scene.run(die_handling(scene.service, die))


@when("another worker takes over")
def _(scene: Scene) -> None:
    scene.run(scene.service.handle_waiting())
