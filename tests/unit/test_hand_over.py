"""One claim, one call, one settlement: what becomes of each when something fails."""

import asyncio
from collections.abc import Sequence

import pytest

from postroom.adapters.memory.application_caller import InMemoryApplicationCaller
from postroom.application.hand_over import Callers, HandOver
from postroom.application.ports import Answered, Call
from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.answer import Answer, Done, Failed, Unreachable
from postroom.domain.handover.application import Application
from postroom.domain.handover.health import Condition
from tests.contracts.handing_over import CRM
from tests.unit.handover_rig import Rig, at, in_virtual_time


class Misreckoning(InMemoryApplicationCaller):
    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        answers = await super().call(application, calls)
        return answers[1:]


async def answered(rig: Rig) -> Sequence[Answered]:
    claimed = await rig.hand_over.claim(CRM, 8)
    return await rig.hand_over.call(CRM, claimed.calls)


@in_virtual_time
async def test_what_was_answered_is_stored(rig: Rig) -> None:
    await rig.accept("a", "b")

    answers = await answered(rig)
    await rig.hand_over.settle(CRM, answers, lease_ends=rig.now + 45)

    assert [rig.state("a"), rig.state("b")] == ["done", "done"]
    assert [rig.handover("a").reference, rig.handover("b").reference] == ["1", "2"]
    assert [answer for answer, _ in rig.events.calls] == [each.answer for each in answers]
    assert len(rig.events.settlements) == 1


@in_virtual_time
async def test_a_claim_is_committed_before_its_calls(rig: Rig) -> None:
    seen = []

    async def look(_: Application, call: Call | None) -> None:
        assert call
        seen.append((rig.state(call.handover.key), rig.handover(call.handover.key).fence))

    rig.caller.behaviour = look
    await rig.accept("a")
    await answered(rig)

    assert seen == [("calling", 1)]


@in_virtual_time
async def test_what_was_answered_while_the_store_is_away_is_stored_when_it_is_back(
    rig: Rig,
) -> None:
    await rig.accept("a")
    answers = await answered(rig)
    rig.handovers.is_away = True
    at(40, lambda: setattr(rig.handovers, "is_away", False))

    await rig.hand_over.settle(CRM, answers, lease_ends=rig.now + 45)

    assert rig.state("a") == "done"
    assert rig.handovers.settles < 30
    assert rig.events.lost == []


@in_virtual_time
async def test_settling_is_given_up_before_the_lease_ends(rig: Rig) -> None:
    await rig.accept("a")
    answers = await answered(rig)
    rig.handovers.is_away = True

    await rig.hand_over.settle(CRM, answers, lease_ends=rig.now + 45)

    assert 40 < rig.now < 45
    assert rig.state("a") == "calling"
    assert rig.events.lost == [1]


@in_virtual_time
async def test_it_is_tried_once_at_least(rig: Rig) -> None:
    """A worker that was suspended finds its lease over: what the application said is true still."""
    await rig.accept("a")
    answers = await answered(rig)

    await rig.hand_over.settle(CRM, answers, lease_ends=rig.now - 3600)

    assert rig.state("a") == "done"


@in_virtual_time
async def test_a_claim_while_the_store_is_away_says_so(rig: Rig) -> None:
    rig.handovers.is_away = True

    with pytest.raises(StoreUnavailable):
        await rig.hand_over.claim(CRM, 8)


@in_virtual_time
async def test_a_destination_that_this_release_does_not_call_is_away(rig: Rig) -> None:
    await rig.accept("a")
    hand_over = HandOver(rig.handovers, Callers({}), rig.events, draw=lambda: 0.0)
    claimed = await hand_over.claim(CRM, 8)

    [said] = await hand_over.call(CRM, claimed.calls)
    await hand_over.settle(CRM, [said], lease_ends=rig.now + 45)

    assert said.answer == Unreachable(reason="this release does not call https: destinations")
    assert rig.health().condition is Condition.PAUSED
    assert hand_over.batch(CRM) == 1
    await hand_over.ping(CRM, rig.clock.now())  # there is nobody to be pinged, and that is no fault


@in_virtual_time
async def test_a_caller_that_answers_too_few_is_not_believed(rig: Rig) -> None:
    await rig.accept("a", "b")
    callers = Callers({"https": Misreckoning(batch=8)})
    hand_over = HandOver(rig.handovers, callers, rig.events)
    claimed = await hand_over.claim(CRM, 8)

    with pytest.raises(ValueError, match="zip"):
        await hand_over.call(CRM, claimed.calls)


@in_virtual_time
async def test_a_ping_that_is_answered_ends_a_pause(rig: Rig) -> None:
    await rig.accept("a")

    async def fail(_: Application, call: Call | None) -> Answer | None:
        return Failed(status=500, reason="HTTP 500", sure=False) if call else None

    rig.caller.behaviour = fail
    answers = await answered(rig)
    await rig.hand_over.settle(CRM, answers, lease_ends=rig.now + 45)
    assert rig.health().condition is Condition.SUSPECT

    began = rig.clock.now()

    await rig.hand_over.ping(CRM, began)

    assert rig.health().condition is Condition.ACTIVE
    assert rig.health().last_success_began == began


@in_virtual_time
async def test_a_call_is_measured(rig: Rig) -> None:
    async def wait(_: Application, __: Call | None) -> None:
        await asyncio.sleep(3)

    rig.caller.behaviour = wait
    await rig.accept("a")
    await answered(rig)

    assert rig.events.calls == [(Done(status=200, reference="1"), 3.0)]
