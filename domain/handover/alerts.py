"""When a person is to hear of an application: it has failed for so long, or answers again."""

from dataclasses import dataclass
from datetime import datetime

from postroom.domain.handover.health import Health


@dataclass(frozen=True, slots=True)
class Failing:
    """It has failed *since* then, for as long as ALERTS says of alert *number* (from 1) at least.

    *reason* says how, and is fit for a log.
    """

    since: datetime
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """It was failing *since* then, and somebody has heard of it."""

    since: datetime


def alert_of(before: Health, after: Health) -> Failing | Recovered | None:
    """What the change from *before* to *after* says. A failure of some minutes says nothing."""
    if after.failing_since is None:
        heard = before.failing_since if before.alerts else None
        return Recovered(heard) if heard else None
    if after.alerts > before.alerts:
        return Failing(after.failing_since, after.alerts, after.reason)
    return None
