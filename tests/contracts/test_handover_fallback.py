"""What every Handovers promises of messages that leave an application for its fallback."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.application.ports import (
    Applications,
    HandoverFilter,
    HandoverRecords,
    Handovers,
    Outcomes,
)
from postroom.domain.handover.answer import Answer, Busy, Done, Failed, Unreachable
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover, State
from postroom.domain.outcome import Completed, Effect
from tests.contracts.handing_over import (
    CRM,
    DAY,
    MINUTE,
    SECOND,
    PassTime,
    answer,
    body_of,
    claim_one,
    keys,
    new_handover,
    settle,
)

PORTS = {Handovers}

FIRST = replace(CRM, fallback="standby")
STANDBY = replace(CRM, tenant="acme", name="standby")
AWAY = Unreachable(reason="connection refused")
UNSURE = Failed(reason="HTTP 500", sure=False, status=500)
SURE = Failed(reason="HTTP 404", sure=True, status=404)


async def mail(
    handovers: Handovers, *names: str, application: Application = FIRST
) -> Sequence[Handover]:
    """What is accepted for an application, with the body of a message."""
    _, now = await handovers.health(application)
    accepted = []
    for n, name in enumerate(names):
        new = new_handover(name, now - SECOND + n * timedelta(milliseconds=1), application)
        assert await handovers.accept(application, new)
        accepted.append(new.handover)
    return accepted


async def take_down(
    handovers: Handovers, pass_time: PassTime, *, by: timedelta = 15 * MINUTE
) -> None:
    """One message finds it away, and time passes."""
    call = await claim_one(handovers, FIRST)
    await settle(handovers, (call, AWAY), application=FIRST)
    await pass_time(by)


async def of(records: HandoverRecords, application: Application) -> dict[str, Handover]:
    found = await records.find(HandoverFilter(application=application.name))
    return {record.handover.key: record.handover for record in found}


async def test_what_has_surely_not_been_handled_becomes_the_fallbacks(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    await mail(handovers, "a", "b")
    await take_down(handovers, pass_time)

    left = await handovers.fall_back(FIRST, STANDBY, limit=10)

    first, other = await of(handover_records, FIRST), await of(handover_records, STANDBY)
    assert list(first.values())[::-1] == left
    assert {(each.state, each.reason) for each in left} == {
        (State.MOVED, "its fallback standby has it")
    }
    assert {each.state for each in other.values()} == {State.WAITING}
    for key, each in other.items():
        assert (each.accepted_at, each.identity) == (first[key].accepted_at, first[key].identity)
        assert (each.fence, each.reason) == (0, "")


async def test_its_body_is_the_same_but_for_the_name(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await mail(handovers, "a")
    await take_down(handovers, pass_time)
    await handovers.fall_back(FIRST, STANDBY, limit=10)

    call = await claim_one(handovers, STANDBY)

    assert json.loads(call.body) == body_of("a", STANDBY)
    assert call.traceparent


async def test_the_end_is_recorded_when_the_fallback_has_it(
    handovers: Handovers, outcomes: Outcomes, pass_time: PassTime
) -> None:
    await mail(handovers, "a")
    await take_down(handovers, pass_time)
    await handovers.fall_back(FIRST, STANDBY, limit=10)
    before = await outcomes.find("acme")

    await answer(handovers, await claim_one(handovers, STANDBY), Done(reference="7"), STANDBY)

    assert before == []
    [record] = await outcomes.find("acme")
    assert record.outcome == Completed(Effect.HANDED_OVER, "7")


@pytest.mark.parametrize(
    ("said", "leaves"),
    [
        (UNSURE, False),
        (Busy(sure=False, status=503), False),
        (SURE, True),
        (Busy(sure=True, status=429), True),
        (AWAY, True),
        (None, False),
    ],
    ids=["500", "503", "404", "429", "refused", "the worker was lost"],
)
async def test_what_may_have_been_handled_stays(
    handovers: Handovers,
    handover_records: HandoverRecords,
    pass_time: PassTime,
    said: Answer | None,
    leaves: bool,  # noqa: FBT001
) -> None:
    await mail(handovers, "a", "b")
    a = await claim_one(handovers, FIRST)
    await settle(handovers, *[(a, said)] if said else [], application=FIRST)
    await pass_time(2 * MINUTE)
    await take_down(handovers, pass_time)

    left = await handovers.fall_back(FIRST, STANDBY, limit=10)

    assert sorted(each.key for each in left) == (["a", "b"] if leaves else ["b"])
    assert ("a" in await of(handover_records, STANDBY)) == leaves


async def test_what_was_sure_once_and_was_redriven_unsure_stays(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    await mail(handovers, "a", "b")
    await settle(handovers, (await claim_one(handovers, FIRST), UNSURE), application=FIRST)
    record = await handover_records.get("a")
    assert record
    await handover_records.move(record, State.WAITING, "redriven by hand")
    await pass_time(MINUTE)
    await take_down(handovers, pass_time)

    assert [each.key for each in await handovers.fall_back(FIRST, STANDBY, limit=10)] == ["b"]


@pytest.mark.parametrize("by", [timedelta(), 14 * MINUTE])
async def test_nothing_leaves_before_its_time(
    handovers: Handovers, pass_time: PassTime, by: timedelta
) -> None:
    await mail(handovers, "a")
    await take_down(handovers, pass_time, by=by)

    assert await handovers.fall_back(FIRST, STANDBY, limit=10) == []


async def test_nothing_leaves_an_application_that_is_well_or_has_no_fallback(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await mail(handovers, "a")
    well = await handovers.fall_back(FIRST, STANDBY, limit=10)
    await take_down(handovers, pass_time)

    assert well == []
    assert await handovers.fall_back(CRM, STANDBY, limit=10) == []


async def test_the_oldest_leave_first_and_no_more_than_the_limit(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await mail(handovers, "c", "a", "b")
    await take_down(handovers, pass_time)

    left = [
        [each.key for each in await handovers.fall_back(FIRST, STANDBY, limit=2)] for _ in "123"
    ]

    assert left == [["c", "a"], ["b"], []]


async def test_what_the_fallback_has_as_a_copy_stays(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    await mail(handovers, "a", "b")
    await mail(handovers, "a", application=STANDBY)
    await take_down(handovers, pass_time)

    assert [each.key for each in await handovers.fall_back(FIRST, STANDBY, limit=10)] == ["b"]
    assert (await of(handover_records, FIRST))["a"].state is State.WAITING


async def test_whether_it_is_up_again_is_asked_with_a_ping(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await mail(handovers, "a", "b")
    await take_down(handovers, pass_time)
    _, began = await handovers.health(FIRST)

    claimed = await handovers.claim(FIRST, 10)
    await handovers.pinged(FIRST, Done(), began=began, draw=0.0)

    assert (claimed.calls, bool(claimed.ping)) == ([], True)
    assert keys(await handovers.claim(FIRST, 10)) != []
    assert await handovers.fall_back(FIRST, STANDBY, limit=10) == []


async def test_or_with_a_message_that_stays(handovers: Handovers, pass_time: PassTime) -> None:
    await mail(handovers, "a", "b")
    await settle(handovers, (await claim_one(handovers, FIRST), UNSURE), application=FIRST)
    await pass_time(MINUTE)
    await take_down(handovers, pass_time)
    await handovers.fall_back(FIRST, STANDBY, limit=10)

    claimed = await handovers.claim(FIRST, 10)

    assert (keys(claimed), bool(claimed.ping)) == (["a"], False)


async def test_of_claims_and_moves_at_once_each_message_has_one(
    handovers: Handovers, pass_time: PassTime
) -> None:
    names = [f"m{n:02}" for n in range(20)]
    await mail(handovers, *names)
    await take_down(handovers, pass_time)
    alone = replace(FIRST, fallback="")  # as a worker has it that has not read the change

    moves, claims, _ = await asyncio.gather(
        asyncio.gather(*(handovers.fall_back(FIRST, STANDBY, limit=7) for _ in range(4))),
        asyncio.gather(*(handovers.claim(alone, 10) for _ in range(4))),
        asyncio.gather(*(handovers.claim(STANDBY, 10) for _ in range(4))),
    )

    moved = [each.key for left in moves for each in left]
    called = [key for claimed in claims for key in keys(claimed)]
    assert len(moved) == len(set(moved))
    assert set(moved) | set(called) == set(names)
    assert not set(moved) & set(called)


async def test_what_has_moved_is_deleted_when_its_retention_ends(
    handovers: Handovers,
    handover_records: HandoverRecords,
    applications: Applications,
    pass_time: PassTime,
) -> None:
    await applications.add(FIRST)
    await mail(handovers, "a")
    await take_down(handovers, pass_time)
    await handovers.fall_back(FIRST, STANDBY, limit=10)
    await pass_time(8 * DAY)

    assert await handover_records.expired(limit=10, default=7 * DAY) == 1
    assert (list(await of(handover_records, FIRST)), list(await of(handover_records, STANDBY))) == (
        [],
        ["a"],
    )


async def test_what_has_moved_is_not_discarded_with_the_application(
    handovers: Handovers, handover_records: HandoverRecords, pass_time: PassTime
) -> None:
    await mail(handovers, "a")
    await take_down(handovers, pass_time)
    await handovers.fall_back(FIRST, STANDBY, limit=10)

    assert await handover_records.discard(FIRST) == 0
    assert list(await of(handover_records, STANDBY)) == ["a"]
