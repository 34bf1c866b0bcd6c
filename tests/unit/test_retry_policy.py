"""When to try again, and when to give up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.outcome import Dead, Deferred, Retry, Skipped
from postroom.domain.retry import BELIEVED_AFTER, YOUNG, RetryPolicy, gone

SECOND = timedelta(seconds=1)
ALMOST_ONE = 1 - 2**-53
"""The most that random() returns."""

attempts = st.integers(1, 10**6)
draws = st.floats(0, ALMOST_ONE)
waits = st.timedeltas(timedelta(), timedelta(hours=1))


def policy(draw: float = 0.0, max_attempts: int = 5) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=max_attempts,
        base=timedelta(seconds=10),
        ceiling=timedelta(minutes=15),
        draw=lambda: draw,
    )


def test_a_message_that_fails_by_itself_is_tried_again() -> None:
    assert policy().charge("500", attempt=1) == Retry(10 * SECOND, "500")


def test_the_last_attempt_that_fails_ends_in_the_dead_letters() -> None:
    assert isinstance(policy().charge("500", attempt=4), Retry)
    assert policy().charge("500", attempt=5) == Dead("gave up after 5 attempts: 500")
    assert policy().charge("500", attempt=6) == Dead("gave up after 6 attempts: 500")


def test_the_wait_grows_fourfold_up_to_the_ceiling() -> None:
    bounds = [policy().backoff(attempt) / SECOND for attempt in range(1, 7)]

    assert bounds == [10, 40, 160, 640, 900, 900]


@pytest.mark.parametrize("draw", [0.0, ALMOST_ONE])
def test_by_default_a_person_has_more_than_a_day_to_mend_it(draw: float) -> None:
    default = RetryPolicy(draw=lambda: draw)

    total = sum(
        (default.backoff(attempt) for attempt in range(1, default.max_attempts)), timedelta()
    )

    assert timedelta(days=1) < total < timedelta(days=2)


@given(attempts, draws)
def test_a_wait_is_shortened_by_a_quarter_at_the_most(attempt: int, draw: float) -> None:
    bound = policy().backoff(attempt)

    assert 0.75 * bound <= policy(draw).backoff(attempt) <= bound


@given(attempts, draws, waits)
def test_a_retry_is_never_sooner_than_the_peer_asks(
    attempt: int, draw: float, wish: timedelta
) -> None:
    some = policy(draw, max_attempts=10**7)

    assert some.charge("503", attempt=attempt, wish=wish) == Retry(
        max(wish, some.backoff(attempt)), "503"
    )


def test_waits_differ_by_themselves() -> None:
    """Many messages that failed together must not come back together."""
    assert len({RetryPolicy().backoff(3) for _ in range(100)}) > 90


# --- What is gone ---


def test_a_message_that_was_announced_just_now_is_asked_after_again_and_soon() -> None:
    assert gone("404", age=timedelta()) == Deferred(5 * SECOND, "404")
    assert gone("404", age=10 * SECOND) == Deferred(10 * SECOND, "404")


def test_an_old_one_is_believed_to_have_gone() -> None:
    assert gone("404", age=YOUNG) == Skipped("source unavailable: 404")


@given(st.timedeltas(timedelta(), YOUNG - timedelta(microseconds=1)))
def test_nobody_is_believed_within_two_minutes_of_the_first_404(first: timedelta) -> None:
    age = first
    while isinstance(answer := gone("404", age=age), Deferred):
        assert timedelta(seconds=1) <= answer.after <= BELIEVED_AFTER
        age += answer.after

    assert age - first >= BELIEVED_AFTER
    assert age <= YOUNG + BELIEVED_AFTER
