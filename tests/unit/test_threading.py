"""The order of the comments in a ticket."""

from itertools import permutations
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.helpdesk.ticket import Comment, Ticket, in_order
from tests.contracts.samples import comment


def ids(comments: tuple[Comment, ...]) -> list[str]:
    return [comment.message_id for comment in comments]


def test_a_comment_is_tied_by_its_own_id_and_by_what_it_refers_to() -> None:
    assert comment("b@x", "a@x", "b@x").message_ids == ("b@x", "a@x")


def test_a_comment_without_an_id_is_tied_by_its_references_alone() -> None:
    assert comment("", "a@x").message_ids == ("a@x",)
    assert comment("").message_ids == ()


def test_the_subject_of_a_ticket_is_that_of_its_opening() -> None:
    comments = (comment("a@x"), comment("b@x", "a@x"))

    ticket = Ticket(tenant="acme", mailbox="support", number=1, comments=comments)

    assert ticket.opening == comments[0]
    assert ticket.subject == "About a@x"


def test_comments_that_answer_nothing_here_stand_by_date() -> None:
    late, early = comment("a@x", "gone@x", minutes=2), comment("b@x", minutes=1)

    assert in_order((late, early)) == (early, late)


def test_what_is_answered_stands_before_its_answer_whenever_it_arrived() -> None:
    reply, original = comment("b@x", "a@x", minutes=1), comment("a@x", minutes=9)

    assert in_order((reply, original)) == (original, reply)


def test_an_answer_waits_for_all_that_it_refers_to() -> None:
    answer = comment("c@x", "a@x", "b@x", minutes=1)
    one, two = comment("a@x", minutes=2), comment("b@x", minutes=3)

    assert in_order((answer, two, one)) == (one, two, answer)


def test_of_what_is_ready_the_earliest_comes_first() -> None:
    root = comment("a@x", minutes=3)
    early_answer, late_answer = comment("b@x", "a@x", minutes=1), comment("c@x", "a@x", minutes=4)
    stranger = comment("d@x", minutes=2)

    ordered = in_order((late_answer, early_answer, root, stranger))

    assert ordered == (stranger, root, early_answer, late_answer)


def test_comments_of_one_moment_stand_by_name_and_digest() -> None:
    expected = (comment("a@x", digest="1"), comment("a@x", digest="2"), comment("b@x"))

    for order in permutations(expected):
        assert in_order(order) == expected


def test_a_comment_that_refers_to_itself_waits_for_nothing() -> None:
    comments = (comment("a@x", "a@x"), comment("b@x", minutes=1))

    assert in_order(comments) == comments


def test_an_answer_to_an_id_that_two_share_follows_the_first_of_them() -> None:
    first, second = comment("a@x", digest="1"), comment("a@x", digest="2", minutes=2)
    answer = comment("b@x", "a@x", minutes=1)

    assert in_order((answer, second, first)) == (first, answer, second)


def test_comments_that_refer_to_each_other_stand_by_date_and_none_is_lost() -> None:
    a, b = comment("a@x", "b@x", minutes=2), comment("b@x", "a@x", minutes=1)
    answer = comment("c@x", "a@x", minutes=3)

    assert in_order((a, answer, b)) == (b, a, answer)


COMMENT = st.builds(
    lambda message_id, references, minutes, digest: comment(
        message_id, *references, minutes=minutes, digest=digest
    ),
    st.sampled_from(["", "a@x", "b@x", "c@x", "d@x"]),
    st.lists(st.sampled_from(["a@x", "b@x", "c@x", "d@x", "gone@x"]), max_size=3),
    st.integers(0, 3),
    st.text("0123456789abcdef", min_size=8, max_size=8),
)


@given(st.lists(COMMENT, max_size=8, unique_by=lambda c: (c.identity, c.digest)), st.randoms())
def test_the_order_of_filing_makes_no_difference(comments: list[Comment], random: Random) -> None:
    shuffled = list(comments)
    random.shuffle(shuffled)

    assert in_order(tuple(shuffled)) == in_order(tuple(comments))
    assert sorted(map(id, in_order(tuple(comments)))) == sorted(map(id, comments))


@given(st.permutations(range(8)), st.permutations(range(8)))
def test_a_chain_of_answers_stands_as_it_was_written(filed: list[int], minutes: list[int]) -> None:
    chain = [
        comment(f"{n}@x", *(f"{before}@x" for before in range(n)), minutes=minutes[n])
        for n in range(8)
    ]

    assert in_order(tuple(chain[n] for n in filed)) == tuple(chain)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_flood_of_mail_is_sorted_in_little_time(*, backwards: bool) -> None:
    """Twenty thousand answers, each to the one before; quadratic time would be minutes."""
    size = 20_000
    flood = tuple(
        comment(f"{n}@x", f"{n - 1}@x", minutes=-n if backwards else n) for n in range(size)
    )
    began = process_time()

    ordered = in_order(flood)

    assert process_time() - began < 5
    assert ordered == flood


@pytest.mark.parametrize("ring_size", [2, 40_000])
def test_rings_of_answers_are_sorted_in_little_time(ring_size: int) -> None:
    size = 40_000
    ring = tuple(
        comment(f"{n}@x", f"{n - 1 if n % ring_size else n + ring_size - 1}@x", minutes=n)
        for n in range(size)
    )
    began = process_time()

    ordered = in_order(ring)

    assert process_time() - began < 5
    assert ids(ordered) == [f"{n}@x" for n in range(size)]
