"""Mail that comes in at the provider."""

from datetime import timedelta

from pytest_bdd import given, parsers, when

from tests.features.mail import mail
from tests.features.scene import MINUTE, Scene
from tests.features.steps.words import ACCEPTED, sentence

ORIGINAL = "<original@example.org>"


@given("a message arrived, and was not announced")
def _(scene: Scene) -> None:
    scene.arrive()


@given(parsers.parse("{count:d} messages arrived, and were not announced"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.arrive()


@given("a message arrived, and was announced")
def _(scene: Scene) -> None:
    assert scene.run(scene.announce(scene.arrive())) in ACCEPTED


@given(parsers.parse("{count:d} messages arrived, and were announced"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        assert scene.run(scene.announce(scene.arrive())) in ACCEPTED


@when("a message arrives, and is announced")
def _(scene: Scene) -> None:
    scene.status = scene.run(scene.announce(scene.arrive()))


@given(sentence(r"a message of (?P<days>\d+) days ago arrived, and was (?P<how>not )?announced"))
def _(scene: Scene, days: str, how: str | None) -> None:
    """It was moved, or imported, into the folder."""
    pointer = scene.arrive(ago=timedelta(days=int(days)))
    if not how:
        assert scene.run(scene.announce(pointer)) in ACCEPTED


@given(sentence(r"(?P<count>a|\d+) messages? (?:lies|lie) there since (?P<days>\d+) days? before"))
def _(scene: Scene, count: str, days: str) -> None:
    for _ in range(1 if count == "a" else int(count)):
        scene.arrive(ago=timedelta(days=int(days)))


@given(
    sentence(
        r"(?P<messages>\d+) messages? arrived in (?P<minutes>\d+) minutes, and none was announced"
    )
)
@when(
    sentence(
        r"(?P<messages>\d+) messages? arrives? in (?P<minutes>\d+) minutes, and none is announced"
    )
)
def _(scene: Scene, messages: str, minutes: str) -> None:
    """At even intervals. The last is without: a sync may see later that mail was missed."""
    part = timedelta(minutes=int(minutes)) / (int(messages) + 1)
    for _ in range(int(messages)):
        scene.run(scene.pass_time(MINUTE))
        scene.arrive()
        scene.run(scene.pass_time(part - MINUTE))
    scene.run(scene.pass_time(part))


@when(parsers.parse("{count:d} messages arrive, each announced a moment after a sync has found it"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.run(scene.pass_time(MINUTE))  # a listener syncs once more within it
        [folder_sync] = scene.run(scene.folder_syncs())
        scene.run(scene.pass_time(folder_sync.due_at - scene.clock.now() - MINUTE))
        pointer = scene.arrive()
        scene.run(scene.pass_time(MINUTE))
        assert scene.counts().tickets == len(scene.pointers)
        assert scene.run(scene.announce(pointer)) in ACCEPTED
        scene.run(scene.service.handle_waiting())


@given("a message was announced that is not listed yet")
def _(scene: Scene) -> None:
    pointer = scene.stage.deliver(scene.mailbox, mail(), listed=False)
    scene.pointers.append(pointer)
    assert scene.run(scene.announce(pointer)) in ACCEPTED


@given("the message is listed")
def _(scene: Scene) -> None:
    scene.stage.show(scene.mailbox, scene.pointers[-1])


# --- Messages that are to be handled ------------------------------------------------------------


@given("a message waits to be read")
def _(scene: Scene) -> None:
    scene.run(scene.queue_message())


@given(parsers.parse("{count:d} messages wait to be read"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.run(scene.queue_message())


@given("the message is deleted before it is read")
def _(scene: Scene) -> None:
    scene.service.messages.messages.clear()


@given(sentence(r"a message(?P<kind>| without a Message-ID) that has become a ticket"))
def _(scene: Scene, kind: str) -> None:
    handle(scene, mail(message_id=None if kind else ORIGINAL))


@given("a reply that was handled before its message came")
def _(scene: Scene) -> None:
    handle(scene, mail("Re: Original", replies_to=ORIGINAL))


@given(parsers.parse('a message with the attachment "{name}"'))
def _(scene: Scene, name: str) -> None:
    scene.arrive(mail(attachment=name))


@when("it is handled")
def _(scene: Scene) -> None:
    assert scene.run(scene.announce(scene.pointers[-1])) in ACCEPTED
    scene.run(scene.service.handle_waiting())


@when("a reply to it is handled")
def _(scene: Scene) -> None:
    handle(scene, mail("Re: your ticket", replies_to=ORIGINAL))


@when("its message is handled")
def _(scene: Scene) -> None:
    handle(scene, mail("Original", message_id=ORIGINAL))


@when("another message with the same Message-ID is handled")
def _(scene: Scene) -> None:
    handle(scene, mail("Something else", message_id=ORIGINAL, text="Quite another matter."))


def handle(scene: Scene, raw: bytes) -> None:
    """A message arrives, is announced, and is handled."""
    assert scene.run(scene.announce(scene.arrive(raw))) in ACCEPTED
    scene.run(scene.service.handle_waiting())
