"""What is made of answers to calls, without a store."""

from dataclasses import replace
from datetime import timedelta

from postroom.domain.handover.answer import Answer, Done, Failed
from postroom.domain.handover.claiming import plan
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.health import Condition, Health
from postroom.domain.handover.settling import Settlement, settle
from tests.contracts.handing_over import CRM, new_handover
from tests.contracts.samples import NOON

LATER = NOON + timedelta(seconds=1)
UNSURE = Failed(reason="HTTP 500", sure=False)
HEALTH = Health(window=8)


def calling(key: str) -> Handover:
    return new_handover(key, NOON).handover.calling(NOON, CRM.timeout)


def settled(*said: tuple[Handover, Answer], stored: tuple[Handover, ...] = ()) -> Settlement:
    by_key = {(each.tenant, each.key): each for each in stored or [call for call, _ in said]}
    return settle(by_key, said, HEALTH, CRM, now=LATER, draw=0.0)


def test_each_answer_is_settled_after_the_one_before_it() -> None:
    a, b = calling("a"), calling("b")

    made = settled((b, UNSURE), (a, UNSURE), (a, Done(reference="1")))

    assert [(each.key, each.state) for each, _ in made.changed.values()] == [
        *(("b", State.WAITING), ("a", State.DONE)),
    ]
    assert {key: answer for key, (_, answer) in made.changed.items()} == {
        ("acme", "b"): UNSURE,
        ("acme", "a"): Done(reference="1"),
    }
    assert made.health.condition is Condition.ACTIVE


def test_an_answer_that_changes_nothing_says_nothing_of_the_application() -> None:
    old, now = calling("a"), replace(calling("a"), fence=2)

    made = settled((old, UNSURE), stored=(now,))

    assert (made.changed, made.health) == ({}, HEALTH)


def test_no_more_is_planned_than_the_application_takes_by_now() -> None:
    due = [new_handover(key, NOON).handover for key in "abcd"]
    lowered = replace(CRM, in_flight=3)

    for in_flight, planned in ((0, 3), (2, 1), (3, 0), (8, 0)):
        made = plan(due, HEALTH, lowered, in_flight=in_flight, limit=9, now=NOON)
        assert len(made.calls) == planned
