"""What is logged and counted of handovers, and of the applications that they go to."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions

from postroom.application.ports import Answered, Claimed, Settled
from postroom.domain.failure import StoreUnavailable
from postroom.domain.handover.answer import (
    Answer,
    Busy,
    Done,
    Duplicate,
    Failed,
    InProgress,
    Refused,
    Skipped,
    Unreachable,
)
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.health import Condition, Health
from postroom.entrypoints.telemetry.handovers import ObservedHandovers
from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.contracts.handing_over import CRM, new_handover
from tests.contracts.samples import NOON, imap_mailbox
from tests.unit.captured_log import captured_log, lines

KEY = "msg_ic4uclgu7j3ru5k5hkyx6us2sty4fy63"
WELL = Health(window=8)
FAILING = replace(WELL, condition=Condition.PAUSED, failing_since=NOON, reason="HTTP 500")
SECRET = "jo@example.org said so"


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as opened:
        yield opened


@pytest.fixture
def events(telemetry: Telemetry) -> ObservedHandovers:
    return ObservedHandovers(telemetry)


def ended(state: State, **facts: Any) -> Handover:  # noqa: ANN401 - fields of a handover
    handover = new_handover(KEY, NOON).handover
    at = NOON + timedelta(seconds=90)
    return replace(handover, state=state, fence=3, ended_at=at, **facts)


def settled(*handovers: Handover, before: Health = WELL, health: Health = WELL) -> Settled:
    return Settled(handovers, before, health)


def said(events: ObservedHandovers, what: Settled) -> list[dict[str, Any]]:
    with captured_log() as out:
        events.settled(CRM, what)
    return lines(out)


# --- Handovers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handover", "event", "level"),
    [
        (ended(State.DONE), "handed over", "info"),
        (ended(State.DUPLICATE), "handed over", "info"),
        (ended(State.SKIPPED), "handover.skipped", "info"),
        (ended(State.REFUSED), "handover.refused", "error"),
        (ended(State.DEAD, charged=8), "handover.dead", "error"),
        (ended(State.HELD), "handover.held", "warning"),
        (ended(State.MOVED, reason="its fallback standby has it"), "handover.moved", "warning"),
        (ended(State.WAITING, charged=2), "handover.retried", "warning"),
        (ended(State.WAITING, charged=3), "handover.struggling", "warning"),
    ],
)
def test_each_end_is_one_event(
    events: ObservedHandovers, handover: Handover, event: str, level: str
) -> None:
    [line] = said(events, settled(handover))

    assert (line["event"], line["level"]) == (event, level)
    assert (line["application"], line["tenant"], line["mailbox"]) == ("crm", "acme", "support")
    assert (line["handover"], line["attempt"]) == ("msg_ic4uclgu7j3r", 3)


def test_what_ended_by_a_claim_is_an_event_too(events: ObservedHandovers) -> None:
    with captured_log() as out:
        events.claimed(Claimed([], [ended(State.DEAD, charged=8, reason="HTTP 500")], WELL))

    [line] = lines(out)
    assert (line["event"], line["charged"], line["reason"]) == ("handover.dead", 8, "HTTP 500")


def test_a_fallback_that_cannot_stand_in_is_said(events: ObservedHandovers) -> None:
    with captured_log() as out:
        for _ in "again":
            events.no_fallback(replace(CRM, fallback="standby"), "it was removed")

    [line] = lines(out)
    assert (line["event"], line["level"]) == ("application.no_fallback", "error")
    assert (line["fallback"], line["reason"]) == ("standby", "it was removed")


def test_a_copy_that_is_left_out_is_said_and_counted(
    events: ObservedHandovers, telemetry: Telemetry
) -> None:
    with captured_log() as out:
        events.left_out("archive", imap_mailbox(), "no key opens its secrets")

    [line] = lines(out)
    assert (line["event"], line["level"], line["application"]) == (
        "copy.left_out",
        "error",
        "archive",
    )
    assert (line["mailbox"], line["reason"]) == ("support", "no key opens its secrets")
    assert "postroom_copies_left_out_total 1.0" in telemetry.exposition().decode()


@pytest.mark.parametrize("state", [State.REFUSED, State.SKIPPED])
def test_what_an_application_says_in_its_own_words_is_in_no_log(
    events: ObservedHandovers, state: State
) -> None:
    [line] = said(events, settled(ended(state, reason=SECRET)))

    assert SECRET not in str(line)


def test_no_reference_is_in_a_log(events: ObservedHandovers) -> None:
    [line] = said(events, settled(ended(State.DONE, reference=SECRET, url=SECRET)))

    assert SECRET not in str(line)


def test_ends_are_counted_and_measured_from_the_acceptance_on(
    events: ObservedHandovers, telemetry: Telemetry
) -> None:
    said(events, settled(ended(State.DONE), ended(State.WAITING), ended(State.HELD)))

    shown = telemetry.exposition().decode()
    assert 'postroom_handovers_total{state="done"} 1.0' in shown
    assert 'state="waiting"' not in shown
    assert "postroom_handover_duration_seconds_sum 90.0" in shown


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        (Done(), "done"),
        (Duplicate(), "duplicate"),
        (Skipped(), "skipped"),
        (Refused(reason=SECRET), "refused"),
        (InProgress(), "in progress"),
        (Busy(sure=True), "busy"),
        (Failed(reason="HTTP 404", sure=True), "failed"),
        (Failed(reason="HTTP 500", sure=False), "unsure"),
        (Unreachable(reason="no such name"), "unreachable"),
    ],
)
def test_calls_are_counted_by_how_they_were_answered(
    events: ObservedHandovers, telemetry: Telemetry, answer: Answer, label: str
) -> None:
    events.called(Answered(ended(State.CALLING), answer), 0.5)

    shown = telemetry.exposition().decode()
    assert f'postroom_calls_total{{answer="{label}"}} 1.0' in shown
    assert f'postroom_call_duration_seconds_sum{{answer="{label}"}} 0.5' in shown


def test_answers_that_could_not_be_stored_are_an_error(events: ObservedHandovers) -> None:
    with captured_log() as out:
        events.unsettled(CRM, 3, StoreUnavailable("the database is away"))

    [line] = lines(out)
    assert (line["event"], line["level"], line["count"]) == ("answers lost", "error", 3)


# --- Applications ---------------------------------------------------------------------------------


def test_an_application_that_is_away_is_an_event_when_it_begins_and_when_it_ends(
    events: ObservedHandovers,
) -> None:
    suspect = replace(WELL, condition=Condition.SUSPECT, failing_since=NOON, reason="HTTP 500")

    heard = [
        *said(events, settled(before=WELL, health=suspect)),
        *said(events, settled(before=suspect, health=FAILING)),
        *said(events, settled(before=FAILING, health=FAILING)),
        *said(events, settled(before=FAILING, health=WELL)),
        *said(events, settled(before=WELL, health=WELL)),
    ]

    assert [(line["event"], line["level"]) for line in heard] == [
        ("application.suspect", "warning"),
        ("application.paused", "warning"),
        ("application.recovered", "info"),
    ]
    assert heard[0]["reason"] == "HTTP 500"
    assert heard[2]["since"].startswith("2030-01-01T12:00:00")


def test_a_person_hears_of_it_as_often_as_it_is_due(
    events: ObservedHandovers, telemetry: Telemetry
) -> None:
    first, second = replace(FAILING, alerts=1), replace(FAILING, alerts=2)

    heard = [
        *said(events, settled(before=FAILING, health=first)),
        *said(events, settled(before=first, health=first)),
        *said(events, settled(before=first, health=second)),
    ]

    assert [(line["event"], line["level"]) for line in heard] == [
        ("application.failing", "error"),
        ("application.failing", "error"),
    ]
    assert heard[0]["since"].startswith("2030-01-01T12:00:00")
    counted = telemetry.instruments.applications_failing.observe(CallbackOptions())
    assert [(each.attributes, each.value) for each in counted] == [
        ({"passed": "300"}, 1),
        ({"passed": "3600"}, 1),
    ]


def test_the_end_of_an_event_is_logged_and_not_counted_among_messages(
    telemetry: Telemetry, events: ObservedHandovers
) -> None:
    [line] = said(events, settled(ended(State.DEAD, mailbox="", reason="eight calls failed")))

    assert line["event"] == "handover.dead"
    assert list(telemetry.instruments.handovers.observe(None)) == []  # type: ignore[arg-type]
