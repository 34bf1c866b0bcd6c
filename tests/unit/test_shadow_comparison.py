"""The other system's list beside ours."""

from datetime import UTC, datetime, timedelta

import pytest

from postroom.domain.handover.comparison import Comparison, Ours, Result, Theirs, compare

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def theirs(
    name: str = "a@x", *, after: timedelta = HOUR, result: Result = Result.HANDLED
) -> Theirs:
    return Theirs(
        line=2,
        identity=f"rfc5322:{name}",
        mailbox="support@acme.example",
        handled_at=NOON + after,
        result=result,
    )


def ours(
    name: str = "rfc5322:a@x", *, after: timedelta = HOUR, result: Result = Result.HANDLED
) -> Ours:
    return Ours(
        tenant="acme", mailbox="support", identity=name, accepted_at=NOON + after, result=result
    )


def compared(there: list[Theirs], here: list[Ours]) -> Comparison:
    return compare(there, here, since=NOON, until=NOON + 10 * HOUR)


def test_what_both_have_at_about_the_same_time_is_the_same() -> None:
    assert compared([theirs()], [ours(after=HOUR + 60 * SECOND)]) == Comparison(same=1)


def test_what_one_has_alone_is_named() -> None:
    found = compared([theirs("a@x")], [ours("rfc5322:b@x")])

    assert (found.only_there, found.only_here) == ([theirs("a@x")], [ours("rfc5322:b@x")])
    assert found.same == 0


def test_what_came_here_more_than_a_minute_later_is_late() -> None:
    late = ours(after=HOUR + 61 * SECOND)

    found = compared([theirs()], [late])

    assert (found.late, found.same) == ([(theirs(), late)], 0)


def test_what_came_here_long_before_is_not_late() -> None:
    assert compared([theirs(after=3 * HOUR)], [ours()]).same == 1


@pytest.mark.parametrize("result", [Result.SKIPPED, Result.FAILED])
def test_another_result_is_named(result: Result) -> None:
    found = compared([theirs(result=result)], [ours()])

    assert found.different == [(theirs(result=result), ours())]


def test_several_messages_under_one_message_id_are_compared_in_order() -> None:
    first, second = ours(after=HOUR), ours(after=5 * HOUR)

    found = compared([theirs(after=HOUR)], [second, first])

    assert (found.same, found.only_here) == (1, [second])


def test_what_lies_outside_of_the_time_only_explains() -> None:
    before, after = -2 * SECOND, 10 * HOUR + 2 * SECOND

    found = compared(
        [theirs("a@x", after=SECOND), theirs("b@x", after=before), theirs("c@x", after=after)],
        [ours("rfc5322:a@x", after=before), ours("rfc5322:d@x", after=after)],
    )

    assert found == Comparison(same=1)


def test_ours_without_a_message_id_are_counted() -> None:
    found = compared([], [ours("imap:INBOX:1:7"), ours("google:18c2", after=-HOUR)])

    assert found == Comparison(unnamed=1)


def test_mailboxes_add_up() -> None:
    found = compared([theirs()], [ours()])
    found.add(compared([theirs("b@x")], [ours("rfc5322:c@x"), ours("imap:INBOX:1:7")]))

    assert (found.same, found.unnamed) == (1, 1)
    assert (len(found.only_there), len(found.only_here)) == (1, 1)
