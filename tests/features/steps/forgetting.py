"""A queue that forgets, and the watch over it."""

from pytest_bdd import given, when

from tests.features.scene import Scene


@given("the queue has forgotten all that waited")
def _(scene: Scene) -> None:
    scene.is_watched = True
    scene.run(scene.watch())
    scene.fragile.forget()
    scene.heartbeat.held = None


@given("that was noticed")
@when("that is noticed")
def _(scene: Scene) -> None:
    scene.run(scene.watch())
