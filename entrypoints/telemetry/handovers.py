"""Events and metrics of handovers, and of the applications that they go to."""

import logging
from dataclasses import dataclass
from datetime import timedelta

import structlog

from postroom.application.hand_over import HandoverEvents
from postroom.application.ports import Answered, Claimed, Settled
from postroom.domain.failure import Unavailable
from postroom.domain.handover.answer import Answer, Failed, InProgress
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import STRUGGLING, Handover, State
from postroom.domain.handover.health import Condition
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()

Fields = dict[str, str | int | float]

_ENDS = {
    State.DONE: ("handed over", logging.INFO),
    State.DUPLICATE: ("handed over", logging.INFO),
    State.SKIPPED: ("handover.skipped", logging.INFO),
    State.REFUSED: ("handover.refused", logging.ERROR),
    State.DEAD: ("handover.dead", logging.ERROR),
    State.HELD: ("handover.held", logging.WARNING),
}
"""Any other state is one in which it waits: `handover.retried`."""

_IN_ITS_WORDS = frozenset({State.SKIPPED, State.REFUSED})
"""The reason is the application's, and may say anything: a person reads it in the dead letters."""

SHORT_KEY = 16
"""Characters of a key that a log line needs: enough to find it by, and few enough to read."""


@dataclass(frozen=True, slots=True)
class ObservedHandovers(HandoverEvents):
    telemetry: Telemetry

    def called(self, answered: Answered, seconds: float) -> None:
        labels = {"answer": _kind(answered.answer)}
        self.telemetry.instruments.calls.add(1, labels)
        self.telemetry.instruments.call_duration.record(seconds, labels)

    def claimed(self, claimed: Claimed) -> None:
        for handover in claimed.others:
            self._log(handover)

    def settled(self, application: Application, settled: Settled) -> None:
        for handover in settled.changed:
            self._log(handover)
        self._log_health(application, settled)

    def unsettled(self, application: Application, count: int, failure: Unavailable) -> None:
        log.error("answers lost", application=application.name, count=count, reason=failure.reason)

    def _log(self, handover: Handover) -> None:
        event, level = _ENDS.get(handover.state, ("handover.retried", logging.WARNING))
        if handover.state is State.WAITING and handover.charged >= STRUGGLING:
            event = "handover.struggling"
        log.log(level, event, **_fields(handover), **_facts(handover))
        if handover.has_ended and not handover.is_of_event:
            self.telemetry.instruments.handovers.add(1, {"state": handover.state.value})
            self._measure(handover)

    def _measure(self, handover: Handover) -> None:
        if handover.ended_at:
            taken = max(handover.ended_at - handover.accepted_at, timedelta())
            self.telemetry.instruments.handover_duration.record(taken.total_seconds())

    def _log_health(self, application: Application, settled: Settled) -> None:
        before, health = settled.before, settled.health
        if before.failing_since and not health.failing_since:
            since = before.failing_since
            log.info("application.recovered", application=application.name, since=since)
        elif health.alerts > before.alerts:
            log.error(
                "application.failing",
                application=application.name,
                since=health.failing_since,
                reason=health.reason,
            )
        elif (
            health.condition is Condition.PAUSED and before.condition is not Condition.PAUSED
        ) or (health.condition is Condition.SUSPECT and before.condition is Condition.ACTIVE):
            event = f"application.{health.condition.value}"
            log.warning(event, application=application.name, reason=health.reason)


def _fields(handover: Handover) -> Fields:
    return {
        "application": handover.application,
        "tenant": handover.tenant,
        "mailbox": handover.mailbox,
        "handover": handover.key[:SHORT_KEY],
        "attempt": handover.fence,
    }


def _facts(handover: Handover) -> Fields:
    facts: Fields = {}
    if handover.reason and handover.state not in _IN_ITS_WORDS:
        facts["reason"] = handover.reason
    if handover.unsure:
        facts["unsure"] = handover.unsure
    if handover.charged:
        facts["charged"] = handover.charged
    return facts


def _kind(answer: Answer) -> str:
    """The answer's one name in metrics."""
    match answer:
        case Failed(sure=False):
            return "unsure"
        case InProgress():
            return "in progress"
        case _:
            return type(answer).__name__.lower()
