"""What becomes of the messages that came in shadow, on the day of the change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import BEFORE, LISTED, Decision, ShadowRow, decide
from postroom.domain.takeover import CLOCKS_DIFFER, may_be

CHANGE = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def row(
    key: str = "k1",
    *,
    name: str = "a@x",
    after: timedelta = MINUTE,
    state: State = State.SHADOW,
    application: str = "crm",
) -> ShadowRow:
    """Taken in so long *after* the change."""
    return ShadowRow(
        application=application,
        key=key,
        identity=name,
        received_at=CHANGE + after,
        accepted_at=CHANGE + after + SECOND,
        state=state,
    )


def states(decisions: Sequence[Decision]) -> dict[tuple[str, str], tuple[State, str]]:
    return {(each.row.key, each.row.application): (each.state, each.reason) for each in decisions}


def test_what_came_before_the_change_is_the_other_systems() -> None:
    decisions, _ = decide([row(after=-SECOND)], {}, CHANGE)

    assert states(decisions) == {("k1", "crm"): (State.DUPLICATE, BEFORE)}


def test_what_came_since_and_is_listed_is_the_other_systems() -> None:
    decisions, left = decide([row()], {"a@x": [CHANGE + 2 * MINUTE]}, CHANGE)

    assert states(decisions) == {("k1", "crm"): (State.DUPLICATE, LISTED)}
    assert left == {}


@pytest.mark.parametrize("after", [timedelta(), MINUTE])
def test_what_came_since_and_is_not_listed_is_ours(after: timedelta) -> None:
    decisions, _ = decide([row(after=after)], {"b@x": [CHANGE + MINUTE]}, CHANGE)

    assert states(decisions) == {("k1", "crm"): (State.WAITING, "")}


def test_an_entry_stands_for_one_message_the_first() -> None:
    rows = [row("k2", after=2 * MINUTE), row("k1", after=MINUTE)]

    decisions, _ = decide(rows, {"a@x": [CHANGE + DAY]}, CHANGE)

    assert states(decisions) == {
        ("k1", "crm"): (State.DUPLICATE, LISTED),
        ("k2", "crm"): (State.WAITING, ""),
    }


def test_two_entries_stand_for_two_messages() -> None:
    rows = [row("k2", after=2 * MINUTE), row("k1", after=MINUTE)]

    decisions, _ = decide(rows, {"a@x": [CHANGE + DAY, CHANGE + DAY]}, CHANGE)

    assert {state for state, _ in states(decisions).values()} == {State.DUPLICATE}


def test_a_message_cannot_have_been_handled_long_before_it_came() -> None:
    handled = {"a@x": [CHANGE + MINUTE]}

    decisions, left = decide([row(after=10 * MINUTE)], handled, CHANGE)

    assert states(decisions) == {("k1", "crm"): (State.WAITING, "")}
    assert left == handled


def test_the_clocks_may_differ_by_minutes() -> None:
    assert may_be(CHANGE + CLOCKS_DIFFER, CHANGE)
    assert not may_be(CHANGE + CLOCKS_DIFFER + SECOND, CHANGE)


def test_a_message_from_just_before_the_change_may_have_been_handled_after_it() -> None:
    rows = [row("k1", after=-SECOND), row("k2", after=MINUTE)]

    decisions, _ = decide(rows, {"a@x": [CHANGE + 2 * SECOND, CHANGE + 2 * MINUTE]}, CHANGE)

    assert states(decisions) == {
        ("k1", "crm"): (State.DUPLICATE, BEFORE),
        ("k2", "crm"): (State.DUPLICATE, LISTED),
    }


def test_copies_of_a_message_are_one_message() -> None:
    rows = [row(application="crm"), row(application="archive")]

    decisions, left = decide(rows, {"a@x": [CHANGE + DAY, CHANGE + DAY]}, CHANGE)

    assert {reason for _, reason in states(decisions).values()} == {LISTED}
    assert left == {"a@x": [CHANGE + DAY]}


def test_what_is_listed_and_has_not_come_is_left() -> None:
    _, left = decide([row()], {"b@x": [CHANGE + MINUTE]}, CHANGE)

    assert left == {"b@x": [CHANGE + MINUTE]}


@pytest.mark.parametrize("state", sorted(set(State) - {State.SHADOW}))
def test_what_is_not_in_shadow_is_left_alone(state: State) -> None:
    decisions, _ = decide([row(state=state)], {}, CHANGE)

    assert decisions == []


def test_to_decide_once_more_by_the_same_list_decides_nothing() -> None:
    handled = {"a@x": [CHANGE + DAY], "c@x": [CHANGE + DAY]}
    rows = [row("k0", after=-DAY), row("k1"), row("k2", after=2 * MINUTE), row("k3", name="b@x")]
    decisions, left = decide(rows, handled, CHANGE)
    decided = {each.row.key: each.state for each in decisions}
    after = [
        ShadowRow(
            application=each.application,
            key=each.key,
            identity=each.identity,
            received_at=each.received_at,
            accepted_at=each.accepted_at,
            state=decided[each.key],
        )
        for each in rows
    ]

    assert decide(after, handled, CHANGE) == ([], left)
    assert left == {"c@x": [CHANGE + DAY]}
