"""What a person makes of a handover, and what becomes of one that nobody may call with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.domain.handover.answer import Answer, Busy, Done, InProgress, as_dict
from postroom.domain.handover.application import WhenUnsure
from postroom.domain.handover.ending import outcome_of
from postroom.domain.handover.handover import KEY_GOOD_FOR, Handover, State
from postroom.domain.handover.health import Health

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

FAILED = Handover(
    tenant="acme",
    application="crm",
    key="a",
    mailbox="support",
    identity="rfc5322:a@sender.example",
    received_at=NOW,
    accepted_at=NOW,
    state=State.WAITING,
    due_at=NOW,
    fence=3,
    failed_began=NOW,
    failures=2,
    unsure=1,
    charged=1,
    may_be_handled=True,
    reason="HTTP 500",
)
CALLING = FAILED.calling(NOW, MINUTE)
PROOF = Health(window=1, last_success_began=NOW + MINUTE)
"""Another message was taken since."""

LATER = NOW + timedelta(hours=1)


def test_what_is_held_is_charged_no_more() -> None:
    held = CALLING.before_call(PROOF, WhenUnsure.HOLD, LATER)

    assert (held.state, held.charged, held.due_at) == (State.HELD, 1, LATER)


def test_what_failed_is_charged_when_another_was_taken_since() -> None:
    assert CALLING.before_call(PROOF, WhenUnsure.REPEAT, LATER).charged == 2


def test_what_is_redriven_is_as_new_but_for_its_fence_and_what_may_have_happened() -> None:
    redriven = FAILED.moved(State.WAITING, "by hand", LATER)

    assert redriven == replace(
        FAILED,
        due_at=LATER,
        failed_began=None,
        failures=0,
        unsure=0,
        charged=0,
        reason="by hand",
        redriven_at=LATER,
    )


@pytest.mark.parametrize(
    ("before", "to", "may_be"),
    [
        (replace(FAILED, may_be_handled=False), State.WAITING, False),
        (replace(CALLING, may_be_handled=False), State.WAITING, True),
        (replace(CALLING, may_be_handled=False), State.SKIPPED, True),
        (replace(FAILED, may_be_handled=False), State.SKIPPED, False),
        (replace(FAILED, may_be_handled=False), State.DONE, True),
    ],
)
def test_a_call_that_is_on_its_way_may_have_its_effect(
    before: Handover, to: State, *, may_be: bool
) -> None:
    assert before.moved(to, "", LATER).may_be_handled is may_be


def test_what_is_redriven_has_as_long_again() -> None:
    after = NOW + KEY_GOOD_FOR
    health = Health(window=1)

    held = replace(FAILED, failed_began=None).before_call(health, WhenUnsure.REPEAT, after)
    redriven = held.moved(State.WAITING, "", after)

    assert held.state is State.HELD
    assert redriven.before_call(health, WhenUnsure.REPEAT, after) == redriven
    again = redriven.before_call(health, WhenUnsure.REPEAT, after + KEY_GOOD_FOR)
    assert again.state is State.HELD


@pytest.mark.parametrize("state", [State.WAITING, State.CALLING, State.HELD, State.SHADOW])
def test_what_has_not_ended_has_no_outcome(state: State) -> None:
    assert outcome_of(replace(FAILED, state=state)) is None


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            Done(status=201, reference="T-1"),
            {"kind": "done", "status": 201, "reference": "T-1", "url": ""},
        ),
        (
            InProgress(status=409, retry_after=MINUTE),
            {"kind": "in progress", "status": 409, "retry_after": 60.0},
        ),
        (
            Busy(status=503, sure=False),
            {"kind": "busy", "status": 503, "sure": False, "retry_after": None},
        ),
    ],
)
def test_an_answer_is_shown_by_its_kind_and_what_it_says(
    answer: Answer, shown: dict[str, object]
) -> None:
    assert as_dict(answer) == shown
