"""How a job ends: the names that logs, metrics and tables know, and what ends it for good."""

from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import get_args

import pytest

from postroom.domain.outcome import (
    SOURCE_UNAVAILABLE,
    Accepted,
    Completed,
    Dead,
    Deferred,
    Duplicate,
    Effect,
    Expanded,
    Final,
    Outcome,
    Retry,
    Skipped,
    name_of,
)
from postroom.domain.retry import YOUNG, gone

MINUTE = timedelta(minutes=1)

NAMES: list[tuple[Outcome, str]] = [
    (Completed(Effect.TICKET, "1"), "completed"),
    (Accepted("crm"), "accepted"),
    (Duplicate(), "duplicate"),
    (Skipped("source unavailable: 404"), "skipped"),
    (Expanded(3), "expanded"),
    (Retry(MINUTE, "503"), "retry"),
    (Deferred(MINUTE, "429"), "deferred"),
    (Dead("gave up"), "dead"),
]


@pytest.mark.parametrize(("outcome", "name"), NAMES)
def test_an_outcome_has_one_name_everywhere(outcome: Outcome, name: str) -> None:
    """The names stand in tables and dashboards, so they do not change between releases."""
    assert name_of(outcome) == name


def test_every_outcome_has_a_name_of_its_own() -> None:
    assert {type(outcome) for outcome, _ in NAMES} == set(get_args(Outcome))
    assert len({name_of(outcome) for outcome, _ in NAMES}) == len(get_args(Outcome))


def test_what_waits_is_no_end() -> None:
    assert set(get_args(Outcome)) - set(get_args(Final)) == {Retry, Deferred}


def test_the_ways_of_a_message_keep_their_names() -> None:
    assert [effect.value for effect in Effect] == ["ticket", "comment", "handed over"]


def test_a_message_that_is_gone_is_skipped_as_unavailable() -> None:
    assert gone("404", age=YOUNG) == Skipped(f"{SOURCE_UNAVAILABLE}: 404")
    assert SOURCE_UNAVAILABLE == "source unavailable"


@pytest.mark.parametrize(("outcome", "_"), NAMES)
def test_an_outcome_is_a_value(outcome: Outcome, _: str) -> None:
    assert len({outcome, outcome}) == 1
    with pytest.raises((FrozenInstanceError, TypeError)):
        outcome.reason = "another"  # type: ignore[union-attr,misc] # that is what is tried
