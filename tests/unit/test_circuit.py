"""When a source is left alone, and how it is probed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.circuit import (
    CLOSED,
    FIRST_PROBE,
    LONGEST_PROBE,
    MIN_MAILBOXES,
    WINDOW,
    Circuit,
    probe_after,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failing(*mailboxes: str, every: timedelta = SECOND) -> Circuit:
    circuit = CLOSED
    for number, mailbox in enumerate(mailboxes):
        circuit = circuit.failing(mailbox, NOW + number * every, 0.0)
    return circuit


def test_one_mailbox_opens_no_circuit_however_often_it_fails() -> None:
    assert not failing(*["acme/desk"] * 100).is_open


def test_two_mailboxes_open_none() -> None:
    assert not failing(*["acme/desk", "acme/info"] * 50).is_open


def test_the_third_opens_it() -> None:
    assert failing("acme/desk", "acme/info", "other/desk").is_open


def test_failures_that_lie_far_apart_do_not_belong_together() -> None:
    assert not failing("acme/desk", "acme/info", "other/desk", every=WINDOW).is_open


def test_a_closed_circuit_keeps_nobody_waiting() -> None:
    assert CLOSED.wait(NOW) is None
    assert failing("acme/desk", "acme/info").wait(NOW) is None


def test_an_open_one_is_probed_when_its_time_has_come_and_by_one() -> None:
    circuit = failing("a/a", "a/b", "a/c")
    opened = NOW + 2 * SECOND

    assert circuit.wait(opened) == FIRST_PROBE
    due = opened + FIRST_PROBE
    assert circuit.wait(due) == timedelta()
    assert circuit.probed(due, 0.0).wait(due) == FIRST_PROBE  # for all others


def test_a_probe_that_fails_puts_off_the_next_and_names_no_more_mailboxes() -> None:
    circuit = failing("a/a", "a/b", "a/c")
    later = NOW + timedelta(hours=1)

    again = circuit.failing("a/d", later, 0.0)

    assert again.failed == circuit.failed
    assert again.wait(later) == LONGEST_PROBE


@pytest.mark.parametrize(
    ("away", "wait"),
    [
        (timedelta(), 2 * SECOND),
        (timedelta(minutes=1), 5 * SECOND),
        (timedelta(minutes=10), 50 * SECOND),
        (timedelta(hours=1), timedelta(minutes=5)),
        (timedelta(days=30), timedelta(minutes=5)),
    ],
)
def test_an_outage_is_probed_every_twelfth_of_its_length(away: timedelta, wait: timedelta) -> None:
    assert probe_after(away, 0.0) == wait


@given(st.timedeltas(timedelta(), timedelta(days=400)), st.floats(0, 1, exclude_max=True))
def test_probes_are_spread_and_never_hot(away: timedelta, draw: float) -> None:
    wait = probe_after(away, draw)

    assert 0.75 * FIRST_PROBE <= wait <= LONGEST_PROBE
    assert 0.75 * probe_after(away, 0.0) <= wait <= probe_after(away, 0.0)


def test_a_day_of_outage_costs_some_four_hundred_probes() -> None:
    away, probes = timedelta(), 0
    while away < timedelta(days=1):
        away += probe_after(away, 0.0)
        probes += 1

    assert 300 <= probes <= 400


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 900)), max_size=30))
def test_a_circuit_is_open_exactly_when_three_have_failed(failures: list[tuple[str, int]]) -> None:
    circuit, now = CLOSED, NOW
    for mailbox, seconds in failures:
        now += seconds * SECOND
        circuit = circuit.failing(mailbox, now, 0.5)

        assert circuit.is_open == (len(circuit.failed) == MIN_MAILBOXES)
        assert len(set(circuit.failed)) == len(circuit.failed) <= MIN_MAILBOXES
        assert circuit.away_for(now) >= timedelta()
