"""The mailbox that a scenario is about, and what a person does with it."""

from datetime import timedelta

from pytest_bdd import given, when

from postroom.domain.mailbox import Pause, PausedBy
from tests.features.mail import mail
from tests.features.providers import Microsoft
from tests.features.scene import MINUTE, Scene
from tests.features.steps.words import sentence

NO_PUBLIC_URL = "no public URL"


@given(sentence(r"a mailbox at {provider}"))
def _(scene: Scene, provider: str) -> None:
    scene.run(_add(scene, provider))


@given(sentence(r"a mailbox at {provider} with (?P<count>one|3) new messages?"))
def _(scene: Scene, provider: str, count: str) -> None:
    scene.run(_add(scene, provider))
    for number in range(3 if count == "3" else 1):
        scene.arrive(mail(f"Question {number}"))


@given(sentence(r'a mailbox at {provider} with a message (?P<kind>about|that says) "(?P<text>.+)"'))
def _(scene: Scene, provider: str, kind: str, text: str) -> None:
    scene.run(_add(scene, provider))
    scene.arrive(mail(text) if kind == "about" else mail(text=text))


@given(sentence(r"a mailbox at {provider} that receives"))
def _(scene: Scene, provider: str) -> None:
    scene.run(scene.add(provider))
    scene.run(scene.serve())


@given(sentence(r"a mailbox at {provider} that was added while Postroom was stopped"))
def _(scene: Scene, provider: str) -> None:
    scene.run(scene.add(provider))


@given(
    sentence(
        r"a mailbox at {provider} that was added with its mail of (?P<days>\d+) days,"
        r" while Postroom was stopped"
    )
)
def _(scene: Scene, provider: str, days: str) -> None:
    scene.run(scene.add(provider))
    _resync(scene, int(days))


@given(sentence(r"a mailbox at {provider} of which no notification can reach us"))
def _(scene: Scene, provider: str) -> None:
    scene.run(scene.add(provider))
    if isinstance(scene.stage, Microsoft):
        scene.stage.subscriptions.obstructed = NO_PUBLIC_URL
    scene.listens = False
    scene.run(scene.pass_time(timedelta(minutes=15)))


@given(sentence(r"a mailbox at {provider} whose notifications were missed"))
def _(scene: Scene, provider: str) -> None:
    scene.run(scene.add(provider))
    scene.run(scene.serve())
    for _ in range(4):
        scene.run(scene.pass_time(MINUTE))
        scene.arrive()
        scene.run(scene.pass_time(timedelta(minutes=15)))


@when("a person pauses the mailbox")
@given("a person has paused the mailbox")
def _(scene: Scene) -> None:
    mailbox, pause = scene.mailbox, Pause(PausedBy.OPERATOR, "by hand", scene.clock.now())
    assert scene.run(scene.service.rig.registry.pause(mailbox.tenant, mailbox.id, pause))


@given("a person has resumed the mailbox")
def _(scene: Scene) -> None:
    mailbox = scene.mailbox
    assert scene.run(scene.service.resume(mailbox.tenant, mailbox.id))


@given(
    sentence(
        r"a person has resynced the mailbox since (?P<days>\d+) days ago"
        r"(?P<dead>, with what is dead)?"
    )
)
def _(scene: Scene, days: str, dead: str | None) -> None:
    _resync(scene, int(days), dead=bool(dead))


@given("the mailbox is removed")
@when("a person removes the mailbox")
def _(scene: Scene) -> None:
    mailbox = scene.mailbox
    assert scene.run(scene.service.remove(mailbox.tenant, mailbox.id))


async def _add(scene: Scene, provider: str) -> None:
    """Added, and synced for the first time."""
    await scene.add(provider)
    await scene.service.maintain_due()


def _resync(scene: Scene, days: int, *, dead: bool = False) -> None:
    scene.service.messages.fetched.clear()
    since = scene.clock.now() - timedelta(days=days)
    assert scene.run(scene.service.resync(scene.mailbox, since, dead=dead)).folders == 1
