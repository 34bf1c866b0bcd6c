"""Many applications, each with calls of its own; and what may go wrong with any part of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import Call
from postroom.domain.failure import AccessFailed
from postroom.domain.handover.answer import Answer, Busy, Done, Failed
from postroom.domain.handover.application import Application, Mode, WhenUnsure
from postroom.domain.handover.handover import State
from tests.contracts.handing_over import CRM
from tests.unit.captured_log import captured_log, lines
from tests.unit.handover_rig import Rig, at, in_virtual_time, later

CALM = replace(CRM, name="calm", destination="https://calm.example/")
HANGING = [
    replace(CRM, name=f"hanging-{number}", destination="https://hangs.example/")
    for number in range(5)
]
BROKEN = Failed(status=500, reason="HTTP 500", sure=False)
SELDOM = timedelta(minutes=1)
"""Between two polls, in tests that last for days."""

TEN = [f"m{number}" for number in range(10)]


async def hang(*_: object) -> Answer | None:
    await asyncio.Event().wait()
    return None


async def hang_unless_calm(application: Application, _: Call | None) -> Answer | None:
    return None if application.name == "calm" else await hang()


# --- When all is well -----------------------------------------------------------------------------


@in_virtual_time
async def test_what_waits_is_handed_over(rig: Rig) -> None:
    await rig.add(CRM)
    await rig.accept(*TEN)

    async with rig.running():
        await asyncio.sleep(5)

    assert sorted(rig.effects()) == TEN
    assert {rig.state(key) for key in TEN} == {"done"}


@in_virtual_time
async def test_what_was_accepted_here_waits_for_no_poll(rig: Rig) -> None:
    await rig.add(CRM)
    async with rig.running():
        await asyncio.sleep(0.5)
        began = rig.now
        await rig.accept("a")
        rig.dispatcher.wake()
        await asyncio.sleep(0.01)

        assert rig.effects() == ["a"]
        assert rig.state("a") == "done"
        assert rig.now - began < 0.1


@in_virtual_time
async def test_what_another_process_has_accepted_is_found_within_a_second(rig: Rig) -> None:
    await rig.add(CRM)
    async with rig.running():
        await asyncio.sleep(10.5)
        await rig.accept("a")
        await asyncio.sleep(1)

        assert rig.state("a") == "done"


@in_virtual_time
async def test_an_application_has_no_more_calls_than_it_takes(rig: Rig) -> None:
    calls, most = 0, 0

    async def count(*_: object) -> None:
        nonlocal calls, most
        calls += 1
        most = max(most, calls)
        await asyncio.sleep(0.2)
        calls -= 1

    rig.caller.behaviour = count
    few = replace(CRM, in_flight=3)
    await rig.add(few)
    await rig.accept(*TEN, to=few)
    async with rig.running():
        await asyncio.sleep(5)

    assert most == 3
    assert len(rig.effects()) == 10


@in_virtual_time
async def test_claims_and_settlements_are_few(rig: Rig) -> None:
    """What was answered at once is settled at once; and nobody claims what cannot be called."""
    await rig.add(CRM)
    await rig.accept(*(f"m{number}" for number in range(80)))
    async with rig.running():
        await asyncio.sleep(0.5)

    assert len(rig.effects()) == 80
    assert rig.handovers.settles <= 20
    assert rig.handovers.claims <= 40


# --- Applications that fail -----------------------------------------------------------------------


@in_virtual_time
async def test_a_calm_application_does_not_feel_those_that_hang(rig: Rig) -> None:
    rig.caller.behaviour = hang_unless_calm
    await rig.add(CALM, *HANGING)
    for each in HANGING:
        await rig.accept(*TEN, to=each)
    async with rig.running():
        for number in range(100):
            key = f"calm {number}"
            await rig.accept(key, to=CALM)
            rig.dispatcher.wake()
            await asyncio.sleep(0.05)
            assert rig.state(key, CALM) == "done", f"after {rig.now} s"
            await asyncio.sleep(1)


@in_virtual_time
async def test_a_call_that_was_cut_off_is_made_again_when_the_application_is_back(
    rig: Rig,
) -> None:
    rig.caller.behaviour = hang
    await rig.add(CRM)
    await rig.accept("a")
    async with rig.running():
        await asyncio.sleep(60)
        rig.caller.behaviour = lambda *_: _takes()
        await asyncio.sleep(600)

    handover = rig.handover("a")
    assert (handover.state, handover.charged) == (State.DONE, 0)
    assert handover.unsure > 0
    assert len({call.body for _, call in rig.caller.calls}) == 1


async def _takes() -> Answer | None:
    return None


@in_virtual_time
async def test_a_ping_asks_where_there_is_no_other_message(rig: Rig) -> None:
    rig.poll_every(SELDOM)
    pings = 0

    async def fail(_: Application, call: Call | None) -> Answer | None:
        nonlocal pings
        pings += call is None
        return BROKEN if call else Done(status=200)

    rig.caller.behaviour = fail
    await rig.add(CRM)
    await rig.accept("bad")
    async with rig.running():
        await asyncio.sleep(3 * 86_400)

    assert pings > 0
    assert rig.state("bad") == "dead"  # others are taken, as the pings show


@in_virtual_time
async def test_who_asks_for_time_is_left_alone(rig: Rig) -> None:
    async def busy(*_: object) -> Answer | None:
        return Busy(status=429, sure=True, retry_after=timedelta(minutes=10))

    rig.caller.behaviour = busy
    await rig.add(CRM)
    await rig.accept(*TEN)
    async with rig.running():
        await asyncio.sleep(3600)

    assert len(rig.caller.calls) <= 8 + 6  # those of the first window, and one probe each time
    assert {rig.handover(key).charged for key in TEN} == {0}


@in_virtual_time
async def test_a_bug_in_a_caller_is_charged_to_the_message_that_meets_it(rig: Rig) -> None:
    rig.poll_every(SELDOM)

    async def stumble(_: Application, call: Call | None) -> Answer | None:
        if call and call.handover.key == "bad":
            raise KeyError("hush@acme.example")
        return None

    rig.caller.behaviour = stumble
    await rig.add(CRM)
    await rig.accept("bad")
    with captured_log() as out:
        async with rig.running():
            for number in range(100):
                await rig.accept(f"good {number}")
                await asyncio.sleep(1800)

    assert (rig.state("bad"), rig.handover("bad").charged) == ("dead", 8)
    assert rig.handover("bad").reason.endswith("a fault of our own: KeyError")
    assert len(rig.effects()) == 100
    assert {line["event"] for line in lines(out)} == {"call crashed"}
    assert "hush" not in rig.handover("bad").reason


# --- What a person does ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stopped",
    [
        replace(CRM, paused_since=CRM.added_at, paused_reason="we move"),
        replace(CRM, mode=Mode.OFF),
        replace(CRM, mode=Mode.SHADOW),
    ],
    ids=["paused", "off", "in shadow"],
)
@in_virtual_time
async def test_what_waits_for_an_application_that_is_stopped_waits_on(
    rig: Rig, stopped: Application
) -> None:
    await rig.add(stopped)
    await rig.accept("a")
    async with rig.running():
        await asyncio.sleep(60)
        assert rig.caller.calls == []

        await rig.applications.replace(stopped, CRM)
        await asyncio.sleep(7)
        assert rig.state("a") == "done"


@in_virtual_time
async def test_what_was_answered_is_stored_though_the_application_was_removed_meanwhile(
    rig: Rig,
) -> None:
    async def take_time(*_: object) -> None:
        await asyncio.sleep(20)

    rig.caller.behaviour = take_time
    await rig.add(CRM)
    await rig.accept("a")
    async with rig.running():
        await asyncio.sleep(1)
        await rig.applications.remove(CRM)
        await asyncio.sleep(10)
        await rig.accept("b")
        await asyncio.sleep(60)

        assert rig.state("a") == "done"
        assert rig.state("b") == "waiting"
        await rig.applications.add(CRM)
        await asyncio.sleep(60)
        assert rig.state("b") == "done"


@in_virtual_time
async def test_an_application_whose_secrets_cannot_be_read_waits_and_is_named(rig: Rig) -> None:
    owned, is_locked = rig.applications.owned, True

    async def unreadable(owner: str, name: str) -> Application | None:
        if is_locked and name == CRM.name:
            raise AccessFailed("its secrets cannot be decrypted")
        return await owned(owner, name)

    rig.applications.owned = unreadable  # type: ignore[method-assign]
    await rig.add(CRM, CALM)
    await rig.accept("a")
    await rig.accept("b", to=CALM)
    with captured_log() as out:
        async with rig.running():
            await asyncio.sleep(60)
            assert (rig.state("a"), rig.state("b", CALM)) == ("waiting", "done")
            is_locked = False
            await asyncio.sleep(10)

    assert rig.state("a") == "done"
    said = [line for line in lines(out) if line["event"] == "application unreadable"]
    assert 8 <= len(said) <= 13
    assert said[0]["application"] == "crm"


# --- When the store is away -----------------------------------------------------------------------


@in_virtual_time
async def test_the_store_may_be_away_between_an_answer_and_its_settlement(rig: Rig) -> None:
    async def break_store(*_: object) -> None:
        rig.handovers.is_away = True

    rig.caller.behaviour = break_store
    await rig.add(CRM)
    await rig.accept("a")
    async with rig.running():
        at(35, lambda: setattr(rig.handovers, "is_away", False))
        await asyncio.sleep(120)

    assert (rig.state("a"), rig.count("a")) == ("done", 1)


@in_virtual_time
async def test_if_it_is_away_for_longer_the_call_is_made_again_and_has_one_effect(
    rig: Rig,
) -> None:
    async def break_store(*_: object) -> None:
        if rig.now < 30:
            rig.handovers.is_away = True

    rig.caller.behaviour = break_store
    await rig.add(CRM)
    await rig.accept("a")
    async with rig.running():
        at(3600, lambda: setattr(rig.handovers, "is_away", False))
        await asyncio.sleep(4000)

    assert (rig.state("a"), rig.count("a")) == ("duplicate", 2)
    assert rig.effects() == ["a"]
    assert rig.events.lost == [1]


@in_virtual_time
async def test_it_may_be_away_while_the_application_is_looked_up(rig: Rig) -> None:
    """As often as not, which must leave no answer behind that nobody settles."""
    await rig.add(CRM)
    async with rig.running():
        for number in range(200):
            rig.handovers.is_away = number % 3 == 0
            if not rig.handovers.is_away:
                await rig.accept(f"m{number}")
            await asyncio.sleep(0.7)
        rig.handovers.is_away = False
        await asyncio.sleep(30)

    assert len(rig.effects()) == 133
    assert {rig.state(key) for key in rig.effects()} <= {"done", "duplicate"}


@in_virtual_time
async def test_a_bug_in_the_store_ends_nothing_for_good(rig: Rig) -> None:
    due, claim, settle = rig.handovers.due, rig.handovers.claim, rig.handovers.settle
    broken = {"due": 3, "claim": 3, "settle": 1}

    def faulty(name: str, works: object) -> object:
        async def call(*args: object, **kwargs: object) -> object:
            if broken[name]:
                broken[name] -= 1
                raise TypeError(name)
            return await works(*args, **kwargs)  # type: ignore[operator]

        return call

    rig.handovers.due = faulty("due", due)  # type: ignore[assignment,method-assign]
    rig.handovers.claim = faulty("claim", claim)  # type: ignore[assignment,method-assign]
    rig.handovers.settle = faulty("settle", settle)  # type: ignore[assignment,method-assign]
    await rig.add(CRM)
    await rig.accept("a")
    with captured_log() as out:
        async with rig.running():
            await asyncio.sleep(120)

    assert rig.state("a") == "duplicate"  # what was answered first could not be stored
    assert rig.effects() == ["a"]
    assert [line["event"] for line in lines(out)] == [
        *["dispatcher crashed"] * 3,
        *["handover crashed"] * 4,
    ]


# --- When it is stopped ---------------------------------------------------------------------------


@in_virtual_time
async def test_calls_that_are_under_way_end_before_it_stops(rig: Rig) -> None:
    async def take_time(*_: object) -> None:
        await asyncio.sleep(20)

    rig.caller.behaviour = take_time
    await rig.add(CRM)
    await rig.accept(*TEN)
    async with rig.running() as run:
        await asyncio.sleep(1)
        await run.end()
        ended = rig.now

    assert sorted(rig.state(key) for key in TEN) == [*["done"] * 8, *["waiting"] * 2]
    assert 19 < ended < 22


@in_virtual_time
async def test_those_that_last_longer_are_made_again_by_another(rig: Rig) -> None:
    rig.caller.behaviour = hang
    await rig.add(CRM)
    await rig.accept("a")
    async with rig.running() as run:
        await asyncio.sleep(1)
        await run.end()
        assert 25 <= rig.now - 1 < 30
    assert rig.state("a") == "calling"

    rig.caller.behaviour = lambda *_: _takes()
    async with rig.running():
        await asyncio.sleep(60)
    assert (rig.state("a"), rig.handover("a").unsure) == ("done", 1)


@in_virtual_time
async def test_a_claim_that_is_on_its_way_is_called_before_it_stops(rig: Rig) -> None:
    """Else it would be of unknown end, though it was never made: a person would have to look."""
    rig.handovers.slowness = 1.0
    careful = replace(CRM, when_unsure=WhenUnsure.HOLD)
    await rig.add(careful)
    await rig.accept("a", to=careful)
    async with rig.running() as run:
        await asyncio.sleep(0.5)
        assert rig.state("a") == "calling"
        assert rig.caller.calls == []
        await run.end()

    assert rig.state("a") == "done"


@in_virtual_time
async def test_what_is_being_settled_is_stored_before_it_stops(rig: Rig) -> None:
    await rig.add(CRM)
    await rig.accept("a")
    async with rig.running() as run:
        rig.handovers.slowness = 1.0
        await asyncio.sleep(1.5)
        assert (rig.effects(), rig.state("a")) == (["a"], "calling")
        await run.end()

    assert rig.state("a") == "done"


@in_virtual_time
async def test_it_stops_in_time_though_the_store_is_away(rig: Rig) -> None:
    await rig.add(CRM)
    await rig.accept("a")

    async def break_store(*_: object) -> None:
        rig.handovers.is_away = True

    rig.caller.behaviour = break_store
    async with rig.running() as run:
        await asyncio.sleep(5)
        began = rig.now
        await run.end()

    assert rig.now - began < 5


@in_virtual_time
async def test_several_dispatchers_make_each_call_once(rig: Rig) -> None:
    async def take_time(*_: object) -> Sequence[object] | None:
        await asyncio.sleep(0.1)
        return None

    rig.caller.behaviour = take_time  # type: ignore[assignment]
    others = [Rig(rig.database, caller=rig.caller) for _ in range(3)]
    await rig.add(CRM)
    await rig.accept(*(f"m{number}" for number in range(60)))
    async with rig.running(), others[0].running(), others[1].running(), others[2].running():
        await later(10, _takes)

    assert len(rig.caller.calls) == 60
    assert len(rig.effects()) == 60
