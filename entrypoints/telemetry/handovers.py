"""Events and metrics of handovers, and of the applications that they go to."""

import logging
from dataclasses import dataclass
from datetime import timedelta

import structlog

from postroom.application.accept_handover import CopyEvents
from postroom.application.fall_back import FallbackEvents
from postroom.application.hand_over import HandoverEvents
from postroom.application.ports import Answered, Claimed, Settled
from postroom.domain.failure import Unavailable
from postroom.domain.handover.answer import Answer, Failed, InProgress
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import STRUGGLING, Handover, State
from postroom.domain.handover.health import Condition, Failing, Health, Recovered, alert_of
from postroom.domain.mailbox import Mailbox
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
    State.MOVED: ("handover.moved", logging.WARNING),
}
"""Any other state is one in which it waits: `handover.retried`."""

_IN_ITS_WORDS = frozenset({State.SKIPPED, State.REFUSED})
"""The reason is the application's, and may say anything: a person reads it in the dead letters."""

SHORT_KEY = 16
"""Characters of a key that a log line needs: enough to find it by, and few enough to read."""


@dataclass(frozen=True, slots=True)
class ObservedHandovers(HandoverEvents, FallbackEvents, CopyEvents):
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

    def no_fallback(self, application: Application, reason: str) -> None:
        log.error(
            "application.no_fallback",
            application=application.name,
            fallback=application.fallback,
            reason=reason,
        )

    def left_out(self, copy: str, mailbox: Mailbox, reason: str) -> None:
        log.error(
            "copy.left_out",
            application=copy,
            tenant=mailbox.tenant,
            mailbox=mailbox.id,
            reason=reason,
        )
        self.telemetry.instruments.copies_left_out.add(1)

    def _log(self, handover: Handover) -> None:
        event, level = _ENDS.get(handover.state, ("handover.retried", logging.WARNING))
        if handover.state is State.WAITING and handover.charged >= STRUGGLING:
            event = "handover.struggling"
        log.log(level, event, **_fields(handover), **_facts(handover))
        if handover.has_ended and not handover.is_of_event:
            self.telemetry.instruments.handovers.add(1, {"state": handover.state.value})
            if handover.state is not State.MOVED:  # the message has not ended
                self._measure(handover)

    def _measure(self, handover: Handover) -> None:
        if handover.ended_at:
            taken = max(handover.ended_at - handover.accepted_at, timedelta())
            self.telemetry.instruments.handover_duration.record(taken.total_seconds())

    def _log_health(self, application: Application, settled: Settled) -> None:
        before, health = settled.before, settled.health
        match alert_of(before, health):
            case Recovered(since=since):
                log.info("application.recovered", application=application.name, since=since)
            case Failing(since=since, passed=passed, reason=reason):
                name = application.name
                log.error("application.failing", application=name, since=since, reason=reason)
                labels = {"passed": f"{passed.total_seconds():g}"}
                self.telemetry.instruments.applications_failing.add(1, labels)
            case None if _is_worse(before, health):
                event = f"application.{health.condition.value}"
                log.warning(event, application=application.name, reason=health.reason)
            case None:
                pass


def _is_worse(before: Health, health: Health) -> bool:
    if health.condition is Condition.SUSPECT:
        return before.condition is Condition.ACTIVE
    return health.condition is Condition.PAUSED and before.condition is not Condition.PAUSED


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
