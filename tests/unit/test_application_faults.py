"""Whose fault a failed call is, in virtual time: a small world of messages and one application."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.domain.handover.answer import Answer, Busy, Done, Failed, Unreachable
from postroom.domain.handover.application import Application, InvalidApplication
from postroom.domain.handover.claiming import plan
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.health import (
    ALERTS,
    Alert,
    Condition,
    Failing,
    Health,
    Recovered,
    alert_of,
)
from postroom.domain.handover.settling import settle
from tests.contracts.samples import NOON

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CRM = Application(tenant="", name="crm", destination="https://crm.example/inbound", added_at=NOON)
FAULTS: dict[str, Answer] = {
    "500": Failed(status=500, reason="answered 500", sure=False),
    "404": Failed(status=404, reason="answered 404", sure=True),
    "refused": Unreachable(reason="connection refused"),
    "503": Busy(status=503, sure=False),
    "timeout": Failed(reason="timed out", sure=False),
}


@dataclass
class World:
    """What is due is claimed, and answered within the same second."""

    answers: Callable[[str, datetime], Answer]
    now: datetime = NOON
    health: Health = field(default_factory=lambda: Health(window=CRM.in_flight))
    stored: dict[tuple[str, str], Handover] = field(default_factory=dict)
    calls: list[tuple[datetime, str]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def accept(self, key: str) -> None:
        self.stored["acme", key] = Handover(
            tenant="acme",
            application="crm",
            key=key,
            mailbox="support",
            identity=f"rfc5322:{key}@x",
            received_at=self.now,
            accepted_at=self.now,
            state=State.WAITING,
            due_at=self.now,
        )

    def run(self, span: timedelta) -> None:
        end = self.now + span
        while self.now < end:
            self._step()
            self.now = min(max(self._next(), self.now + SECOND), end)

    def _next(self) -> datetime:
        """When something may be due."""
        waiting = (each.due_at for each in self.stored.values() if not each.has_ended)
        pause = self.health.paused_until or self.now
        return max(min(waiting, default=datetime.max.replace(tzinfo=UTC)), pause)

    def _step(self) -> None:
        due = sorted(
            (each for each in self.stored.values() if each.is_due(self.now)),
            key=lambda each: each.due_at,
        )
        if not due:
            return
        made = plan(due, self.health, CRM, in_flight=0, limit=CRM.in_flight, now=self.now)
        self.health = made.health
        self.stored |= {(each.tenant, each.key): each for each in (*made.calls, *made.others)}
        if made.ping:
            self._note("ping")
            self.health = self.health.after(
                self.answers("ping", self.now),
                key="",
                began=self.now,
                now=self.now,
                draw=self.dice.random(),
                limit=CRM.in_flight,
            )
        self._settle(made.calls)

    def _settle(self, calls: Sequence[Handover]) -> None:
        for call in calls:
            self._note(call.key)
        answers = [(call, self.answers(call.key, self.now)) for call in calls]
        settled = settle(
            self.stored, answers, self.health, CRM, now=self.now, draw=self.dice.random()
        )
        self.health = settled.health
        self.stored |= {key: handover for key, (handover, _) in settled.changed.items()}

    def _note(self, key: str) -> None:
        self.calls.append((self.now, key))

    def of(self, state: State) -> set[str]:
        return {key for (_, key), each in self.stored.items() if each.state is state}


def away(since: datetime, until: datetime, fault: Answer) -> Callable[[str, datetime], Answer]:
    return lambda _key, now: fault if since <= now < until else Done(status=200)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("outage", "most_calls"), [(2 * MINUTE, 20), (HOUR, 45), (timedelta(days=3), 1000)]
)
def test_an_outage_charges_nobody_and_all_arrives(
    fault: str, outage: timedelta, most_calls: int
) -> None:
    begins = NOON + MINUTE
    world = World(away(begins, begins + outage, FAULTS[fault]))
    for number in range(30):  # some before, some while it is away, and none after
        world.accept(f"m{number}")
        world.run(3 * SECOND)
    world.run(outage + 6 * MINUTE)

    assert world.of(State.DONE) == {f"m{number}" for number in range(30)}
    assert {each.charged for each in world.stored.values()} == {0}
    meanwhile = [at for at, _ in world.calls if begins <= at < begins + outage]
    assert len(meanwhile) <= most_calls


def test_a_message_that_always_fails_is_dead_after_a_day_and_holds_up_nobody() -> None:
    def answers(key: str, _now: datetime) -> Answer:
        return FAULTS["500"] if key == "bad" else Done(status=200)

    world = World(answers)
    world.accept("bad")
    for number in range(60):
        world.accept(f"m{number}")
        world.run(30 * MINUTE)

    assert world.of(State.DEAD) == {"bad"}
    assert world.stored["acme", "bad"].charged == 8
    waits = [
        (each.ended_at or world.now) - each.accepted_at
        for (_, key), each in world.stored.items()
        if key != "bad"
    ]
    assert max(waits) < MINUTE


def test_a_ping_shows_the_fault_of_a_message_that_is_alone() -> None:
    def answers(key: str, _now: datetime) -> Answer:
        return FAULTS["500"] if key == "bad" else Done(status=200)

    world = World(answers)
    world.accept("bad")
    world.run(30 * HOUR)

    assert world.of(State.DEAD) == {"bad"}


def test_messages_that_fail_together_are_found_all_the_same() -> None:
    def answers(key: str, _now: datetime) -> Answer:
        return FAULTS["500"] if key.startswith("bad") else Done(status=200)

    world = World(answers)
    world.accept("bad1")
    world.accept("bad2")
    world.run(36 * HOUR)

    assert world.of(State.DEAD) == {"bad1", "bad2"}


def test_an_application_goes_on_slowly_after_an_outage() -> None:
    health = Health(window=1, condition=Condition.PAUSED, paused_until=NOON)
    windows = []
    for _ in range(5):
        health = health.after(
            Done(status=200), key="m", began=NOON, now=NOON, draw=0, limit=CRM.in_flight
        )
        windows.append(health.window)

    assert windows == [2, 4, 8, 8, 8]


def test_what_an_application_asks_for_is_bounded() -> None:
    asked = Busy(status=429, sure=True, retry_after=timedelta(days=365))
    health = Health(window=8).after(asked, key="m", began=NOON, now=NOON, draw=0, limit=8)

    assert health.paused_until == NOON + HOUR
    assert replace(health, paused_until=None).condition is Condition.PAUSED


def test_a_call_that_was_on_its_way_makes_no_pause_longer() -> None:
    paused = Health(window=1, condition=Condition.PAUSED, paused_until=NOON + MINUTE, pauses=2)

    after = paused.after(FAULTS["500"], key="m", began=NOON, now=NOON, draw=0, limit=8)

    assert (after.paused_until, after.pauses) == (NOON + MINUTE, 2)


@pytest.mark.parametrize("destination", ["", "crm.example", "ftp://crm.example", "postgresql:"])
def test_an_application_is_somewhere(destination: str) -> None:
    with pytest.raises(InvalidApplication):
        replace(CRM, destination=destination)


# --- What a person hears of ---


def alerts(failing: timedelta) -> tuple[Sequence[Alert], timedelta]:
    """All that is due while it fails for so long, and after that; and when each was, since then."""
    world, heard = World(lambda _, now: FAULTS["404"] if now < NOON + failing else Done()), []
    world.accept("a")
    while world.now < NOON + failing + HOUR:
        before = world.health
        world.run(10 * SECOND)
        if alert := alert_of(before, world.health):
            heard.append(alert)
            when = world.now - NOON
    return heard, when


@pytest.mark.parametrize(
    ("failing", "passed"),
    [
        (MINUTE, []),
        (20 * MINUTE, ALERTS[:1]),
        (2 * HOUR, ALERTS[:2]),
        (30 * HOUR, ALERTS),
        (90 * HOUR, ALERTS),
    ],
)
def test_a_person_hears_once_of_each_time_that_it_has_failed_for_and_of_its_end(
    failing: timedelta, passed: Sequence[timedelta]
) -> None:
    heard, when = alerts(failing)

    assert heard == [
        *(Failing(NOON, each, "answered 404") for each in passed),
        Recovered(NOON, was_alerted=bool(passed)),
    ]
    assert failing <= when <= failing + 6 * MINUTE


def test_of_several_that_are_due_at_once_it_is_the_longest() -> None:
    before = Health(window=1, failing_since=NOON)

    after = before.after(FAULTS["404"], key="a", began=NOON, now=NOON + 2 * HOUR, draw=0.0, limit=8)

    assert alert_of(before, after) == Failing(NOON, HOUR, "answered 404")
    assert alert_of(after, after) is None
