"""When another application stands in, and which can; and that a dispatcher has it do so."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import Call
from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.answer import Answer, Failed, Unreachable
from postroom.domain.handover.application import Application, BodyKind, InvalidApplication, Mode
from postroom.domain.handover.application import Order as WantedOrder
from postroom.domain.handover.body_readdress import readdressed
from postroom.domain.handover.fallback import check_fallbacks, falls_back, may_leave
from postroom.domain.handover.handover import State
from postroom.domain.handover.health import Condition, Health
from tests.contracts.handing_over import CRM, MINUTE, new_handover
from tests.contracts.samples import NOON
from tests.unit.handover_body.rig import rendered
from tests.unit.handover_rig import Rig, in_virtual_time

FIRST = replace(CRM, tenant="acme", name="first", fallback="standby")
STANDBY = replace(FIRST, name="standby", fallback="")
DOWN = Health(window=1, condition=Condition.PAUSED, failing_since=NOON)
AWAY = Unreachable(reason="connection refused")
QUARTER = 15 * MINUTE

HANDOVER = new_handover("a", NOON, FIRST).handover


# --- When ---


@pytest.mark.parametrize(
    ("application", "health", "minutes", "falls"),
    [
        (FIRST, DOWN, 15, True),
        (FIRST, DOWN, 14, False),
        (replace(FIRST, fallback_after=MINUTE), DOWN, 1, True),
        (FIRST, replace(DOWN, condition=Condition.SUSPECT), 60, False),
        (FIRST, Health(window=8), 60, False),
        (replace(FIRST, fallback=""), DOWN, 60, False),
        (replace(FIRST, paused_since=NOON), DOWN, 60, False),
        (replace(FIRST, mode=Mode.OFF), DOWN, 60, False),
    ],
)
def test_a_fallback_stands_in_when_the_first_was_down_for_so_long(
    application: Application,
    health: Health,
    minutes: int,
    falls: bool,  # noqa: FBT001
) -> None:
    assert falls_back(application, health, NOON + minutes * MINUTE) is falls


@pytest.mark.parametrize("state", [state for state in State if state is not State.WAITING])
def test_only_what_waits_may_leave(state: State) -> None:
    assert may_leave(HANDOVER)
    assert not may_leave(replace(HANDOVER, state=state))


# --- Who ---


@pytest.mark.parametrize(
    ("changed", "others", "complaint"),
    [
        (FIRST, [], "there is no application standby: add it first"),
        (replace(FIRST, fallback="first"), [], "first cannot be its own fallback"),
        (FIRST, [replace(STANDBY, fallback="third")], "there are no chains"),
        (FIRST, [replace(STANDBY, fallback="first")], "there are no chains"),
        (
            replace(STANDBY, fallback="third"),
            [FIRST, replace(FIRST, name="third", fallback="")],
            "standby cannot be the fallback of first: it falls back to third itself",
        ),
        (replace(FIRST, copies=("standby",)), [STANDBY], "it gets copies of the same messages"),
        (FIRST, [replace(STANDBY, destination="python:x")], "standby is a processor"),
        (replace(FIRST, destination="python:x"), [STANDBY], "first is a processor"),
        (replace(FIRST, order=WantedOrder.MAILBOX), [STANDBY], "first wants an order"),
        (replace(STANDBY, order=WantedOrder.MAILBOX), [FIRST], "standby wants an order"),
        (FIRST, [replace(STANDBY, tenant="globex")], "there is no application standby"),
        (replace(FIRST, tenant=""), [STANDBY], "there is no application standby"),
    ],
)
def test_an_application_that_cannot_stand_in_is_refused(
    changed: Application, others: list[Application], complaint: str
) -> None:
    with pytest.raises(InvalidApplication, match=complaint):
        check_fallbacks(changed, others)


@pytest.mark.parametrize("owner", ["acme", ""])
def test_one_of_the_same_tenant_or_of_the_installation_can(owner: str) -> None:
    check_fallbacks(FIRST, [replace(STANDBY, tenant=owner), replace(CRM, fallback="other")])


# --- What it gets ---


def test_the_body_is_the_same_but_for_the_name() -> None:
    body = rendered(b"Subject: Hello\r\n\r\nHello\r\n")

    expected = json.loads(body)
    expected["data"]["application"] = "standby"
    assert json.loads(readdressed(body, STANDBY)) == expected


def test_it_is_no_larger_than_the_fallback_takes() -> None:
    body = rendered(b"Subject: Hello\r\n\r\n" + 2_000 * b"All work and no play.\r\n")

    small = readdressed(body, replace(STANDBY, max_body=16 * 1024))

    assert len(small) <= 16 * 1024 < len(body)
    assert "content.text" in json.loads(small)["data"]["content"]["truncated"]


def test_it_is_thin_if_the_fallback_wants_that() -> None:
    body = rendered(b"Subject: Hello\r\n\r\nHello\r\n")

    data = json.loads(readdressed(body, replace(STANDBY, body=BodyKind.THIN)))["data"]

    assert (data["content"]["text"], data["email"]["headers"]) == ("", [])
    assert data["content"]["truncated"] == ["content.text", "email.headers"]


def test_what_is_no_message_stays_as_it_is() -> None:
    event = b'{"type": "mailbox.suspended", "data": {"mailbox": "support"}}'

    assert readdressed(event, STANDBY) == event


# --- That it does ---


def down(*names: str, answer: Answer = AWAY) -> Callable[[Application, Call | None], object]:
    async def behave(application: Application, _call: Call | None) -> Answer | None:
        return answer if application.name in names else None

    return behave


async def accept(rig: Rig, *keys: str) -> None:
    for key in keys:
        await rig.handovers.accept(FIRST, new_handover(key, rig.clock.now(), FIRST))


async def pass_time(rig: Rig, by: timedelta) -> None:
    await rig.clock.sleep(by)


@in_virtual_time
async def test_the_fallback_gets_what_waits_and_what_comes(rig: Rig) -> None:
    rig.caller.behaviour = down("first")  # type: ignore[assignment]
    await rig.add(FIRST, STANDBY)
    await accept(rig, *(f"early {n:02}" for n in range(40)))
    async with rig.running():
        await pass_time(rig, QUARTER - MINUTE)
        before = list(rig.effects(STANDBY))
        await pass_time(rig, 5 * MINUTE)
        await accept(rig, "late")
        await pass_time(rig, 10 * MINUTE)

    assert before == []
    assert len(rig.effects(STANDBY)) == 41
    assert rig.effects(FIRST) == []


@in_virtual_time
async def test_the_first_that_comes_when_it_is_up_again_goes_to_it(rig: Rig) -> None:
    """Nothing was due meanwhile, so nobody has asked."""
    rig.caller.behaviour = down("first")  # type: ignore[assignment]
    await rig.add(FIRST, STANDBY)
    await accept(rig, "a")
    async with rig.running():
        await pass_time(rig, 30 * MINUTE)
        rig.caller.behaviour = down()  # type: ignore[assignment]
        await accept(rig, "b")
        await pass_time(rig, MINUTE)

    assert (rig.effects(STANDBY), rig.effects(FIRST)) == (["a"], ["b"])


@in_virtual_time
async def test_a_call_that_may_have_had_its_effect_is_repeated_at_the_first_alone(
    rig: Rig,
) -> None:
    unsure = Failed(reason="timed out", sure=False)
    rig.caller.behaviour = down("first", answer=unsure)  # type: ignore[assignment]
    await rig.add(FIRST, STANDBY)
    await accept(rig, "a")
    async with rig.running():
        await pass_time(rig, 60 * MINUTE)
        assert rig.state("a", FIRST) == "waiting"
        rig.caller.behaviour = down()  # type: ignore[assignment]
        await pass_time(rig, 10 * MINUTE)

    assert (rig.effects(STANDBY), rig.effects(FIRST)) == ([], ["a"])


@in_virtual_time
async def test_what_is_claimed_is_called_with_though_nothing_can_leave(rig: Rig) -> None:
    unsure = Failed(reason="timed out", sure=False)
    rig.caller.behaviour = down("first", answer=unsure)  # type: ignore[assignment]
    await rig.add(FIRST, STANDBY)
    await accept(rig, "a")
    async with rig.running():
        await pass_time(rig, 20 * MINUTE)

        async def away(*_: object, **__: object) -> object:
            raise StoreUnavailable("the database is away")

        rig.handovers.fall_back = away  # type: ignore[method-assign, assignment]
        rig.caller.behaviour = down()  # type: ignore[assignment]
        await pass_time(rig, 10 * MINUTE)

    assert rig.effects(FIRST) == ["a"]
    assert rig.handover("a", FIRST).reason == ""  # no worker was taken for lost
    assert set(rig.events.obstacles) == {"the database is away"}


@pytest.mark.parametrize(
    ("standby", "obstacle"),
    [
        (None, "it was removed"),
        (replace(STANDBY, mode=Mode.SHADOW), "it is set to shadow"),
        (replace(STANDBY, paused_since=NOON), "it is paused"),
    ],
)
def test_a_fallback_that_cannot_stand_in_is_said_and_all_waits(
    standby: Application | None, obstacle: str
) -> None:
    @in_virtual_time
    async def run(rig: Rig) -> None:
        rig.caller.behaviour = down("first")  # type: ignore[assignment]
        await rig.add(FIRST, *([standby] if standby else []))
        await accept(rig, "a", "b")
        async with rig.running():
            await pass_time(rig, 60 * MINUTE)
            assert {rig.state("a", FIRST), rig.state("b", FIRST)} == {"waiting"}
            rig.caller.behaviour = down()  # type: ignore[assignment]
            await pass_time(rig, 10 * MINUTE)

        assert set(rig.events.obstacles) == {obstacle}
        assert sorted(rig.effects(FIRST)) == ["a", "b"]

    run()


@in_virtual_time
async def test_a_fallback_that_is_down_or_behind_takes_nothing_more(rig: Rig) -> None:
    rig.caller.behaviour = down("first", "standby")  # type: ignore[assignment]
    small = replace(STANDBY, max_backlog=1)
    await rig.add(FIRST, small)
    await accept(rig, "a", "b")
    async with rig.running():
        await pass_time(rig, 16 * MINUTE)
        await accept(rig, "c")
        await pass_time(rig, 16 * MINUTE)

    assert rig.state("c", FIRST) == "waiting"
    assert set(rig.events.obstacles) <= {"it is down, too", "it is behind"}
    assert rig.events.obstacles
