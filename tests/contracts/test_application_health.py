"""What every Handovers promises of applications that fail, and of messages that are at fault."""

from dataclasses import replace

import pytest

from postroom.application.ports import Call, Handovers, Outcomes
from postroom.domain.handover.answer import Answer, Busy, Done, Failed, Unreachable
from postroom.domain.handover.handover import CHARGES, Handover, State
from postroom.domain.handover.health import Condition
from postroom.domain.outcome import Completed, Dead, Effect
from tests.contracts.handing_over import (
    CRM,
    DAY,
    MINUTE,
    SECOND,
    PassTime,
    accept,
    answer,
    claim_one,
    keys,
    settle,
)

PORTS = {Handovers}

UNSURE = Failed(reason="HTTP 500", sure=False, status=500)
AWAY = Unreachable(reason="connection refused")


async def fail_once(handovers: Handovers, pass_time: PassTime) -> Call:
    """The only one that is due fails, and another that is called with later does not."""
    bad = await claim_one(handovers)
    await pass_time(SECOND)
    await accept(handovers, f"good {bad.handover.fence}")
    good = await claim_one(handovers)
    await settle(handovers, (bad, UNSURE), (good, Done()))
    await pass_time(6 * SECOND)
    return bad


async def charge(handovers: Handovers) -> Handover:
    [charged] = (await handovers.claim(CRM, 10)).others
    return charged


async def fail_to_death(handovers: Handovers, pass_time: PassTime) -> tuple[Call, Handover]:
    """The first of its calls, and what became of it."""
    first, charged = await fail_once(handovers, pass_time), await charge(handovers)
    for count, wait in enumerate(CHARGES, start=1):
        assert (charged.state, charged.charged) == (State.WAITING, count)
        await pass_time(wait)
        await fail_once(handovers, pass_time)
        charged = await charge(handovers)
    return first, charged


async def test_an_application_is_well_until_it_fails(handovers: Handovers) -> None:
    health, _ = await handovers.health(CRM)

    assert (health.condition, health.window) == (Condition.ACTIVE, CRM.in_flight)
    assert health.failing_since is None


async def test_after_a_failure_one_call_is_made_at_a_time_with_another_message_first(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a", "b", "c")
    settled = await settle(handovers, (await claim_one(handovers), UNSURE))
    await pass_time(MINUTE)

    claimed = await handovers.claim(CRM, 10)

    assert settled.health.condition is Condition.SUSPECT
    assert keys(claimed) == ["b"]
    assert (await handovers.claim(CRM, 10)).calls == []


async def test_a_message_that_has_not_failed_is_found_behind_many_that_have(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, *(f"a{n}" for n in range(8)))
    claimed = await handovers.claim(CRM, 8)
    await settle(handovers, *((call, UNSURE) for call in claimed.calls))
    await pass_time(DAY)
    await accept(handovers, "b")

    assert keys(await handovers.claim(CRM, 2)) == ["b"]


async def test_a_second_failure_pauses_the_application_until_a_probe_is_answered(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, *(f"a{n}" for n in range(20)))
    for _ in range(2):
        settled = await settle(handovers, (await claim_one(handovers), UNSURE))
    at_once = await handovers.claim(CRM, 10)
    await pass_time(6 * SECOND)
    probe = await handovers.claim(CRM, 10)
    beside = await handovers.claim(CRM, 10)
    recovered = await settle(handovers, (probe.calls[0], Done()))

    assert settled.health.condition is Condition.PAUSED
    assert (len(at_once.calls), len(probe.calls), len(beside.calls)) == (0, 1, 0)
    assert recovered.before.condition is Condition.PAUSED
    assert (recovered.health.condition, recovered.health.window) == (Condition.ACTIVE, 2)
    assert len((await handovers.claim(CRM, 10)).calls) == 2


@pytest.mark.parametrize(
    "said", [UNSURE, AWAY, Busy(sure=False, status=503)], ids=lambda said: type(said).__name__
)
async def test_an_outage_of_days_charges_nothing_and_kills_nothing(
    handovers: Handovers, outcomes: Outcomes, pass_time: PassTime, said: Answer
) -> None:
    await accept(handovers, "a", "b", "c")
    for _ in range(40):
        claimed = await handovers.claim(CRM, 10)
        if claimed.ping:
            await handovers.pinged(CRM, said, began=claimed.ping, draw=0.0)
        await settle(handovers, *((call, said) for call in claimed.calls))
        assert claimed.others == []
        await pass_time(DAY / 4)

    assert (await handovers.backlog(CRM)).count == 3
    assert await outcomes.find("acme") == []


async def test_a_message_is_charged_when_another_was_taken_meanwhile(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "bad")
    await fail_once(handovers, pass_time)

    claimed = await handovers.claim(CRM, 10)

    assert claimed.calls == []
    [charged] = claimed.others
    assert (charged.key, charged.state, charged.charged) == ("bad", State.WAITING, 1)
    assert (await handovers.claim(CRM, 10)).others == []
    await pass_time(MINUTE)
    assert keys(await handovers.claim(CRM, 10)) == ["bad"]


async def test_the_eighth_charge_is_the_end(
    handovers: Handovers, outcomes: Outcomes, pass_time: PassTime
) -> None:
    [new] = await accept(handovers, "bad")

    _, dead = await fail_to_death(handovers, pass_time)

    assert (dead.state, dead.charged, dead.fence) == (State.DEAD, 8, 8)
    assert new.job
    [record] = await outcomes.find("acme", job_id=new.job.id)
    assert record.outcome == Dead(dead.reason)
    assert (record.attempt, record.at) == (8, dead.ended_at)
    await pass_time(DAY)
    assert await handovers.due() == []


async def test_of_a_dead_message_the_application_may_say_later_that_it_has_it(
    handovers: Handovers, outcomes: Outcomes, pass_time: PassTime
) -> None:
    await accept(handovers, "bad")
    call, dead = await fail_to_death(handovers, pass_time)

    done = await answer(handovers, call, Done(reference="1"))

    assert (dead.state, done.state, done.reference) == (State.DEAD, State.DONE, "1")
    recorded = [each.outcome for each in await outcomes.find("acme", identity=dead.identity)]
    assert recorded == [Completed(Effect.HANDED_OVER, "1"), Dead(dead.reason)]


async def test_a_ping_asks_where_nothing_is_left_to_ask_with(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a")
    for _ in range(3):
        claimed = await handovers.claim(CRM, 10)
        await settle(handovers, *((call, UNSURE) for call in claimed.calls))
        await pass_time(DAY)
    _, before = await handovers.health(CRM)
    asked = await handovers.claim(CRM, 10)
    meanwhile = await handovers.claim(CRM, 10)
    _, after = await handovers.health(CRM)
    assert asked.ping

    settled = await handovers.pinged(CRM, Done(), began=asked.ping, draw=0.0)

    assert before <= asked.ping <= after
    assert (asked.calls, meanwhile.calls, meanwhile.ping) == ([], [], None)
    assert settled.changed == []
    assert settled.health.condition is Condition.ACTIVE
    assert (await handovers.health(CRM))[0] == settled.health
    [charged] = (await handovers.claim(CRM, 10)).others
    assert (charged.key, charged.charged) == ("a", 1)


async def test_no_ping_is_needed_while_there_is_another_message(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a", "b")
    for _ in range(3):
        claimed = await handovers.claim(CRM, 1)
        await settle(handovers, *((call, UNSURE) for call in claimed.calls))
        await pass_time(DAY)
    await accept(handovers, "c")

    claimed = await handovers.claim(CRM, 10)

    assert (claimed.ping, keys(claimed)) == (None, ["c"])


async def test_each_application_stands_for_itself(handovers: Handovers) -> None:
    other = replace(CRM, tenant="acme")
    await accept(handovers, "a", "b")
    await settle(handovers, (await claim_one(handovers), AWAY))

    assert (await handovers.health(CRM))[0].condition is Condition.PAUSED
    assert (await handovers.health(other))[0].condition is Condition.ACTIVE
