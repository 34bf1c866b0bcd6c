"""How mail is received, beside another system, and what is released on the day of the change."""

from datetime import timedelta

from pytest_bdd import given, parsers, then

from postroom.application.shadow import Served
from postroom.domain.handover.comparison import Theirs
from postroom.domain.ingress import IngressMode
from tests.features.mail import mail
from tests.features.providers import Microsoft
from tests.features.scene import MINUTE, Scene
from tests.features.steps.words import sentence

NAMES = {"Microsoft 365": "microsoft", "Gmail": "google", "IMAP": "imap"}
MODES = {"in shadow": IngressMode.SHADOW, "off": IngressMode.OFF, "open": IngressMode.QUEUE}
ELSEWHERE = "https://old.example/notifications"


@given(sentence(r"ingress of {provider} is (?P<mode>in shadow|off|open)(?: again| from now on)?"))
def _(scene: Scene, provider: str, mode: str) -> None:
    scene.service.modes[NAMES[provider]] = MODES[mode]


@given("another system has the notifications of it")
def _(scene: Scene) -> None:
    if isinstance(scene.stage, Microsoft):
        subscriptions = scene.stage.subscriptions
        ours, subscriptions.endpoint = subscriptions.endpoint, ELSEWHERE
        [folder] = scene.mailbox.account.folders
        scene.run(subscriptions.create(scene.mailbox, folder))
        subscriptions.endpoint = ours
        scene.subscribed = subscriptions.live(scene.mailbox)


@then("nothing was made or ended at the provider")
def _(scene: Scene) -> None:
    assert not scene.imap.listener.sessions(scene.mailbox)
    if isinstance(scene.stage, Microsoft):
        assert scene.stage.subscriptions.live(scene.mailbox) == scene.subscribed
        assert scene.stage.subscriptions.removed == []


@then("its subscription was neither renewed nor ended")
def _(scene: Scene) -> None:
    assert isinstance(scene.stage, Microsoft)
    subscription = scene.run(scene.stage.subscription(scene.mailbox))
    assert subscription
    assert subscription.renewed_at == subscription.created_at
    assert len(scene.stage.subscriptions.shown) == 1


# --- The day of the change ------------------------------------------------------------------------


@given(parsers.parse("{count:d} messages came before the change"))
def _(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.arrive()
    scene.run(scene.pass_time(2 * MINUTE))


@given(parsers.parse("{count:d} messages came that the old system has handled"))
def _(scene: Scene, count: int) -> None:
    _begin(scene)
    _handled_there(scene, count)
    scene.run(scene.pass_time(2 * MINUTE))


@given(parsers.parse("{count:d} messages came that nobody has handled"))
def _(scene: Scene, count: int) -> None:
    _begin(scene)
    for _ in range(count):
        scene.arrive()
    scene.run(scene.pass_time(2 * MINUTE))


@given("1 message that the old system has handled is still to come")
def _(scene: Scene) -> None:
    _handled_there(scene, 1)


@given("they were released")
def _(scene: Scene) -> None:
    scene.run(_release(scene))


def _begin(scene: Scene) -> None:
    """The change is now, unless it was before."""
    scene.clock.advance(timedelta(seconds=1))
    scene.changed_at = scene.changed_at or scene.clock.now()


def _handled_there(scene: Scene, count: int) -> None:
    for _ in range(count):
        number = len(scene.handled)
        scene.arrive(mail(message_id=f"<handled-{number}@example.org>"))
        scene.handled.append(
            Theirs(
                line=number,
                identity=f"rfc5322:handled-{number}@example.org",
                mailbox=scene.mailbox.address.lower(),
                handled_at=scene.clock.now() + timedelta(seconds=5),
            )
        )


async def _release(scene: Scene) -> None:
    assert scene.changed_at
    served = await Served.of(scene.service.rig.registry, tenant=scene.service.tenant)
    async for _ in scene.service.release(scene.handled, served, scene.changed_at):
        pass
