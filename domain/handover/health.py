"""Whose fault a failed call is, and when an application is left alone.

A failed call of a message is charged to it on evidence alone: a call of *another* message of the
application, which began after that call did, came to a final answer. So an outage of any kind, of
any length, charges nothing: neither does a deployment that answers 404 for an hour. Nor does its
end: what several messages have met was the application's failure, and is forgiven then.

| state   | calls                                               | what ends it                    |
|---------|-----------------------------------------------------|---------------------------------|
| active  | as many as the window says: 1 after an outage, then | a failure: suspect              |
|         | twice as many after each final answer               |                                 |
| suspect | one at a time, another message than failed first    | a final answer: active;         |
|         |                                                     | a failure: paused               |
| paused  | none, for 5 seconds, then twice as long each time,  | the end of the pause: one probe |
|         | up to 5 minutes; or as long as was asked for        |                                 |

The state is one row that all workers share. Nobody disables an endpoint but a person: what is
disabled cannot heal.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from postroom.domain.handover.answer import (
    Answer,
    Busy,
    Failed,
    InProgress,
    Unreachable,
)

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)

LONGEST_WISH = timedelta(hours=1)
"""How long an application may ask to be left alone (Retry-After); longer is taken for this."""

PING_AFTER = 3
"""Failures in a row after which a ping asks, where there is no other message to ask with."""

ALERTS = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
"""A person hears of it each time that an application has failed for so long."""


class Condition(StrEnum):
    ACTIVE = "active"
    SUSPECT = "suspect"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Failing:
    """It has failed for *passed* now, which is one of ALERTS."""

    since: datetime
    passed: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """A person has heard that it failed if it *was_alerted*."""

    since: datetime
    was_alerted: bool


Alert = Failing | Recovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an application answers. *window* bounds the calls at a time.

    *last_success_began* is when the latest call began that came to a final answer. *failures*
    counts those since then, *last_failed* is the key of the last message that did, and
    *several_failed* says that there was another. *reason* says how it failed. *failing_since* is
    None while all is well. *alerts* counts those of ALERTS that are due. Calls that began before
    *forgiven_before* have failed in an outage.
    """

    condition: Condition = Condition.ACTIVE
    window: int
    paused_until: datetime | None = None
    pauses: int = 0
    last_success_began: datetime | None = None
    last_failed: str = ""
    several_failed: bool = False
    forgiven_before: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    reason: str = ""
    alerts: int = 0

    def room(self, in_flight: int, now: datetime) -> int:
        """How many more calls may begin, beside those *in_flight*."""
        match self.condition:
            case Condition.ACTIVE:
                return max(self.window - in_flight, 0)
            case Condition.SUSPECT:
                return max(1 - in_flight, 0)
            case Condition.PAUSED:
                is_over = self.paused_until is None or self.paused_until <= now
                return max(1 - in_flight, 0) if is_over else 0

    def proves_at_fault(self, failed_began: datetime) -> bool:
        """Whether another message was taken since a call began at *failed_began*, which failed."""
        return self.last_success_began is not None and self.last_success_began > failed_began

    def forgives(self, failed_began: datetime) -> bool:
        """Whether a call that began then, and failed, was one of many in an outage."""
        return self.forgiven_before is not None and failed_began < self.forgiven_before

    def pinging(self, now: datetime, timeout: timedelta) -> "Health":
        """While a ping is on its way, and nobody else is to send one."""
        return replace(self, condition=Condition.PAUSED, window=1, paused_until=now + timeout)

    def after(
        self, answer: Answer, *, key: str, began: datetime, now: datetime, draw: float, limit: int
    ) -> "Health":
        """After *answer* to the call of *key* that had begun then; *limit* is the most in flight.

        A ping has an empty *key*. *draw*, from [0, 1), spreads the pauses.
        """
        match answer:
            case InProgress():
                return self
            case Busy(retry_after=wish):
                paused = self._failed(key, "asks for time", now)
                return paused._paused(now, draw, wish)
            case Unreachable(reason=reason):
                return self._failed(key, reason, now)._paused(now, draw)
            case Failed(reason=reason):
                return self._after_failure(key, reason, began, now, draw)
            case _:
                return self._succeeded(began, limit)

    def _succeeded(self, began: datetime, limit: int) -> "Health":
        was_down = self.condition is not Condition.ACTIVE
        was_outage = self.condition is Condition.PAUSED and self.several_failed
        return Health(
            window=min(2 if was_down else 2 * self.window, limit),
            last_success_began=max(filter(None, (self.last_success_began, began))),
            forgiven_before=began if was_outage else self.forgiven_before,
        )

    def _after_failure(
        self, key: str, reason: str, began: datetime, now: datetime, draw: float
    ) -> "Health":
        if self.proves_at_fault(began):  # it has taken another message meanwhile
            return self
        failed = self._failed(key, reason, now)
        if self.condition is Condition.ACTIVE:
            return replace(failed, condition=Condition.SUSPECT, window=1)
        was_on_its_way = self.condition is Condition.PAUSED and self.room(0, now) == 0
        if was_on_its_way and key:  # a ping is sent in a pause
            return failed
        return failed._paused(now, draw)

    def _failed(self, key: str, reason: str, now: datetime) -> "Health":
        since = self.failing_since or now
        is_another = bool(key and self.last_failed) and key != self.last_failed
        return replace(
            self,
            failures=self.failures + 1,
            last_failed=key or self.last_failed,
            several_failed=self.several_failed or is_another,
            failing_since=since,
            reason=reason,
            alerts=sum(now - since >= after for after in ALERTS),
        )

    def _paused(self, now: datetime, draw: float, wish: timedelta | None = None) -> "Health":
        pause = min(FIRST_PAUSE * 2 ** min(self.pauses, 16), LONGEST_PAUSE) * (1 - draw / 4)
        if wish is not None:
            pause = min(max(wish, FIRST_PAUSE * (1 - draw / 4)), LONGEST_WISH)
        until = max(filter(None, (self.paused_until, now + pause)))
        return replace(
            self,
            condition=Condition.PAUSED,
            window=1,
            paused_until=until,
            pauses=self.pauses + 1,
        )


def alert_of(before: Health, health: Health) -> Alert | None:
    """What a person is to hear of, when an application stood as *before*, and stands so now.

    Once for each of ALERTS, and of several that are due at once for the longest alone. Changes of
    an application are stored one after another, so each alert is due at exactly one of them.
    """
    if before.failing_since and not health.failing_since:
        return Recovered(before.failing_since, was_alerted=before.alerts > 0)
    if health.failing_since and health.alerts > before.alerts:
        return Failing(health.failing_since, ALERTS[health.alerts - 1], health.reason)
    return None
