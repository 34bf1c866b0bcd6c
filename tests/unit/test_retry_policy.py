"""When to try again, and when to give up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.failure import (
    AccessFailed,
    Failure,
    SourceGone,
    Throttled,
    Unavailable,
    Unprocessable,
)
from postroom.domain.outcome import Dead, Deferred, Retry, Skipped
from postroom.domain.retry import RetryPolicy

SECOND = timedelta(seconds=1)
ALMOST_ONE = 1 - 2**-53
"""The most that random() returns."""

attempts = st.integers(1, 10**6)
draws = st.floats(0, ALMOST_ONE)
waits = st.timedeltas(timedelta(), timedelta(hours=1))


def policy(draw: float = 0.5, max_attempts: int = 5) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=max_attempts,
        base=timedelta(seconds=10),
        ceiling=timedelta(minutes=15),
        access_pause=timedelta(minutes=5),
        draw=lambda: draw,
    )


def decide(failure: Failure, attempt: int = 1) -> Retry | Deferred | Skipped | Dead:
    return policy().decide(failure, attempt=attempt)


@pytest.mark.parametrize(
    ("failure", "decision"),
    [
        (SourceGone("404"), Skipped("source unavailable: 404")),
        (Throttled("429", retry_after=SECOND), Deferred(SECOND, "429")),
        (AccessFailed("invalid_grant"), Deferred(timedelta(minutes=5), "invalid_grant")),
        (Unprocessable("too large"), Dead("too large")),
        (Unavailable("503"), Retry(5 * SECOND, "503")),
        (Unavailable("503", retry_after=60 * SECOND), Retry(60 * SECOND, "503")),
        (Unavailable("503", retry_after=SECOND), Retry(5 * SECOND, "503")),
    ],
)
def test_each_failure_has_its_remedy(
    failure: Failure, decision: Retry | Deferred | Skipped | Dead
) -> None:
    assert decide(failure) == decision


def test_the_last_attempt_that_fails_ends_in_the_dead_letters() -> None:
    assert isinstance(decide(Unavailable("503"), attempt=4), Retry)
    assert decide(Unavailable("503"), attempt=5) == Dead("gave up after 5 attempts: 503")
    assert decide(Unavailable("503"), attempt=6) == Dead("gave up after 6 attempts: 503")


def test_what_costs_no_attempt_is_never_given_up() -> None:
    for failure in (Throttled("429", retry_after=SECOND), AccessFailed("invalid_grant")):
        assert isinstance(decide(failure, attempt=1000), Deferred)


def test_attempts_are_exhausted_after_the_last() -> None:
    assert [policy(max_attempts=3).exhausted(attempt) for attempt in (1, 3, 4)] == [
        False,
        False,
        True,
    ]


def test_a_failure_without_a_remedy_is_a_bug() -> None:
    with pytest.raises(TypeError, match="Failure has no remedy"):
        decide(Failure("?"))


def test_the_bound_of_the_wait_doubles_up_to_the_ceiling() -> None:
    bounds = [policy(draw=1.0).backoff(attempt) / SECOND for attempt in range(1, 10)]

    assert bounds == [10, 20, 40, 80, 160, 320, 640, 900, 900]


@given(attempts, draws)
def test_the_wait_is_a_share_of_the_bound(attempt: int, draw: float) -> None:
    bound = min(timedelta(seconds=10 * 2 ** min(attempt - 1, 20)), timedelta(minutes=15))

    assert policy(draw).backoff(attempt) == bound * draw
    assert timedelta() <= policy(draw).backoff(attempt) <= bound


@given(attempts, draws, draws)
def test_a_larger_draw_is_never_a_shorter_wait(attempt: int, one: float, other: float) -> None:
    shorter, longer = sorted((one, other))

    assert policy(shorter).backoff(attempt) <= policy(longer).backoff(attempt)


@given(st.integers(1, 99), draws, waits | st.none())
def test_a_retry_is_never_sooner_than_the_peer_asks_nor_later_than_need_be(
    attempt: int, draw: float, wish: timedelta | None
) -> None:
    failure = Unavailable("503", retry_after=wish)

    decision = policy(draw, max_attempts=100).decide(failure, attempt=attempt)

    assert isinstance(decision, Retry)
    wait = decision.after
    assert wait >= (wish or timedelta())
    assert wait in (wish, policy(draw).backoff(attempt))


@given(attempts, draws, waits)
def test_a_throttled_job_waits_exactly_as_long_as_the_peer_asks(
    attempt: int, draw: float, wish: timedelta
) -> None:
    failure = Throttled("429", retry_after=wish)

    assert policy(draw).decide(failure, attempt=attempt) == Deferred(wish, "429")


def test_waits_differ_by_themselves() -> None:
    """Many messages that failed together must not come back together."""
    waits = {RetryPolicy().backoff(3) for _ in range(100)}

    assert len(waits) > 90
    assert max(waits) <= timedelta(seconds=40)
