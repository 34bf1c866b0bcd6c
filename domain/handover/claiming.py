"""What is done with the messages of an application that are due: pure, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postroom.domain.handover.application import Application
from postroom.domain.handover.fallback import falls_back, may_leave
from postroom.domain.handover.handover import Handover
from postroom.domain.handover.health import PING_AFTER, Condition, Health


@dataclass(frozen=True, slots=True)
class Plan:
    """*calls* are to be called now; *others* are due, and have become something else.

    *ping* says that there is no message left to ask the application with, whether it answers.
    *health* is how the application stands now.
    """

    calls: Sequence[Handover]
    others: Sequence[Handover]
    health: Health
    ping: bool = False


def plan(
    due: Sequence[Handover],
    health: Health,
    application: Application,
    *,
    in_flight: int,
    limit: int,
    now: datetime,
) -> Plan:
    """What becomes of *due*, the first first; *in_flight* are called by others at this moment.

    Those that are left over stay as they are. The window may be one of before the application's
    own bound was lowered. While the application falls back, whether it is up again is asked with
    what stays with it, or with a ping: a call of what may leave could make that unsure.
    """
    judged = [(each, each.before_call(health, application.when_unsure, now)) for each in due]
    others = [after for before, after in judged if after is not before]
    callable_ = [after for _, after in judged if after.is_callable(now)]
    if is_replaced := falls_back(application, health, now):
        callable_ = [each for each in callable_ if not may_leave(each)]
    room = max(min(health.room(in_flight, now), application.in_flight - in_flight, limit), 0)
    if health.condition is not Condition.ACTIVE:  # another message than failed comes first
        callable_.sort(key=lambda each: (each.key == health.last_failed, bool(each.failed_began)))
    is_ping_needed = _is_ping_needed(callable_, health) or (is_replaced and not callable_)
    ping = is_ping_needed and room > 0 and in_flight == 0
    chosen = [] if ping else callable_[:room]
    keys = {(each.tenant, each.key) for each in chosen}
    return Plan(
        calls=[each.calling(now, application.timeout) for each in chosen],
        others=[each for each in others if (each.tenant, each.key) not in keys],
        health=health.pinging(now, application.timeout) if ping else health,
        ping=ping,
    )


def _is_ping_needed(callable_: Sequence[Handover], health: Health) -> bool:
    """After so many failures, where all that is left has failed since the last success."""
    if health.failures < PING_AFTER or health.failures % PING_AFTER or not callable_:
        return False
    return all(each.failed_began for each in callable_)
