"""What is posted to us, by a provider or by somebody who pretends to be one."""

from pytest_bdd import given, parsers, then, when

from tests.features.mail import mail
from tests.features.providers import Microsoft
from tests.features.scene import Scene
from tests.features.steps.words import ACCEPTED, sentence

REFUSED = 503


@when(sentence(r"{provider} announces the message"))
def _(scene: Scene, provider: str) -> None:
    scene.status = scene.run(scene.announce(scene.pointers[-1]))


@given(sentence(r"{provider} has announced (?:the message|the message again|the latest)"))
def _(scene: Scene, provider: str) -> None:
    assert scene.run(scene.announce(scene.pointers[-1])) in ACCEPTED


@given(sentence(r"{provider} has announced all of them"))
def _(scene: Scene, provider: str) -> None:
    for pointer in scene.pointers:
        assert scene.run(scene.announce(pointer)) in ACCEPTED


@given("its notification was refused for now")
def _(scene: Scene) -> None:
    scene.fragile.open = False
    assert scene.run(scene.announce(scene.pointers[-1])) == REFUSED
    scene.fragile.open = True


@when(sentence(r"{provider} announces a message of a mailbox that we do not serve"))
def _(scene: Scene, provider: str) -> None:
    scene.describe(provider, "stranger")
    scene.run(scene.announce(scene.arrive(mail())))


@when(sentence(r"somebody else pretends to be {provider}"))
def _(scene: Scene, provider: str) -> None:
    forged = scene.stage.announcement(scene.mailbox, scene.pointers[-1], genuine=False)
    scene.run(scene.service.send(scene.run(forged)))


@given(parsers.parse('Microsoft 365 has sent the lifecycle event "{event}"'))
def _(scene: Scene, event: str) -> None:
    microsoft = _microsoft(scene)
    subscription = scene.run(microsoft.subscription(scene.mailbox))
    assert subscription
    request = scene.run(microsoft.lifecycle(scene.mailbox, event))
    assert scene.run(scene.service.send(request)) in ACCEPTED
    if event == "subscriptionRemoved":
        microsoft.subscriptions.lose(subscription.id)


@given(parsers.parse('somebody else has sent the lifecycle event "{event}"'))
def _(scene: Scene, event: str) -> None:
    request = scene.run(_microsoft(scene).lifecycle(scene.mailbox, event, genuine=False))
    assert scene.run(scene.service.send(request)) in ACCEPTED


@given("the provider has dropped the subscription")
def _(scene: Scene) -> None:
    microsoft = _microsoft(scene)
    subscription = scene.run(microsoft.subscription(scene.mailbox))
    assert subscription
    microsoft.subscriptions.lose(subscription.id)


@then("the notification is accepted")
def _(scene: Scene) -> None:
    assert scene.status in ACCEPTED


@then("the notification is refused for now")
def _(scene: Scene) -> None:
    assert scene.status == REFUSED


@then("the mailbox is subscribed to")
def _(scene: Scene) -> None:
    assert scene.run(_microsoft(scene).subscription(scene.mailbox))


@then("no subscription to it is left")
def _(scene: Scene) -> None:
    subscriptions = scene.service.providers[scene.mailbox.provider].subscriptions
    assert subscriptions is None or not scene.run(subscriptions.ids(scene.mailbox))


def _microsoft(scene: Scene) -> Microsoft:
    assert isinstance(scene.stage, Microsoft)
    return scene.stage
