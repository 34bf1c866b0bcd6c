"""How a provider's mail is received, and which mode wins where an application has another."""

from postroom.domain.handover.application import Mode
from postroom.domain.handover.shadow import careful
from postroom.domain.ingress import OPEN, Ingress, IngressMode
from postroom.entrypoints.container.providers import PROVIDERS
from postroom.entrypoints.settings import Settings


def test_a_provider_is_open_unless_something_else_is_said() -> None:
    ingress = Ingress({"one": IngressMode.OFF})

    assert ingress.mode_of("another") is IngressMode.QUEUE
    assert OPEN.obstacle("one") == ""


def test_what_stands_in_the_way_names_the_provider_and_its_mode() -> None:
    ingress = Ingress({"one": IngressMode.OFF, "two": IngressMode.SHADOW})

    assert ingress.obstacle("one") == "ingress of one is off"
    assert ingress.obstacle("two") == "ingress of two is in shadow"
    assert [ingress.is_off(each) for each in ("one", "two", "three")] == [True, False, False]


def test_of_two_modes_the_more_careful_one_wins() -> None:
    won = {(ingress, mode): careful(ingress, mode) for ingress in IngressMode for mode in Mode}

    assert won == {
        (IngressMode.QUEUE, Mode.DELIVER): Mode.DELIVER,
        (IngressMode.QUEUE, Mode.SHADOW): Mode.SHADOW,
        (IngressMode.QUEUE, Mode.OFF): Mode.OFF,
        (IngressMode.SHADOW, Mode.DELIVER): Mode.SHADOW,
        (IngressMode.SHADOW, Mode.SHADOW): Mode.SHADOW,
        (IngressMode.SHADOW, Mode.OFF): Mode.OFF,
        (IngressMode.OFF, Mode.DELIVER): Mode.OFF,
        (IngressMode.OFF, Mode.SHADOW): Mode.OFF,
        (IngressMode.OFF, Mode.OFF): Mode.OFF,
    }


def test_each_provider_of_this_release_has_a_setting() -> None:
    settings = {f"ingress_{each.package.NAME}" for each in PROVIDERS}

    assert settings == {name for name in Settings.model_fields if name.startswith("ingress_")}
