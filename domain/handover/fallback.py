"""When another application stands in for one that is down, and for which of its messages.

Only for those that the first has surely not handled: it was never called with them, or each call
ended with a sure answer. Two applications have two sets of keys, so a message of which that is
unsure could have two effects: it stays, and waits for the first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from postroom.domain.handover.application import (
    INSTALLATION,
    Application,
    InvalidApplication,
    Order,
)
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.health import Condition, Health


def falls_back(application: Application, health: Health, now: datetime) -> bool:
    """Whether it has been down for so long that its fallback is to take over.

    A person who pauses it wants its mail to wait.
    """
    if not (application.fallback and application.is_called) or health.failing_since is None:
        return False
    is_paused = health.condition is Condition.PAUSED
    return is_paused and now - health.failing_since >= application.fallback_after


def may_leave(handover: Handover) -> bool:
    is_sure = handover.unsure == 0 and not handover.may_be_handled
    return handover.state is State.WAITING and is_sure


def moved(handover: Handover, to: Application, now: datetime) -> Handover:
    """*handover* as its application has it from then on."""
    return replace(
        handover,
        state=State.MOVED,
        failed_began=None,
        reason=f"its fallback {to.name} has it",
        ended_at=now,
    )


def taken_over(handover: Handover, by: Application, now: datetime) -> Handover:
    """*handover* as its fallback gets it: the same message under the same key, not called yet."""
    return Handover(
        tenant=handover.tenant,
        application=by.name,
        key=handover.key,
        mailbox=handover.mailbox,
        identity=handover.identity,
        received_at=handover.received_at,
        accepted_at=handover.accepted_at,  # as the body says
        state=State.WAITING,
        due_at=now,
        redriven_at=handover.redriven_at,
    )


def concerns_fallbacks(application: Application) -> bool:
    """Whether there is anything about it that `check_fallbacks` could refuse."""
    return bool(application.fallback) or _obstacle(application) != ""


def check_fallbacks(changed: Application, others: Iterable[Application]) -> None:
    """Raises InvalidApplication if it cannot have its fallback, or be that of one of *others*."""
    known = {(each.tenant, each.name): each for each in others}
    known[changed.tenant, changed.name] = changed
    every = list(known.values())
    if changed.fallback:
        standby = fallback_of(changed, every)
        if standby is None:
            raise InvalidApplication(f"there is no application {changed.fallback}: add it first")
        _check(changed, standby)
    for first in falling_back_to(changed, every):
        _check(first, changed)


def fallback_of(first: Application, others: Iterable[Application]) -> Application | None:
    for owner in (first.tenant, INSTALLATION):
        for each in others:
            if (each.tenant, each.name) == (owner, first.fallback):
                return each
    return None


def falling_back_to(standby: Application, others: Iterable[Application]) -> Sequence[Application]:
    return [
        each
        for each in others
        if each.fallback == standby.name and standby.tenant in (each.tenant, INSTALLATION)
    ]


def _check(first: Application, standby: Application) -> None:
    """Raises InvalidApplication if *standby* cannot stand in for *first*."""
    both = f"{standby.name} cannot be the fallback of {first.name}"
    if standby.name == first.name:
        raise InvalidApplication(f"{first.name} cannot be its own fallback")
    if standby.fallback:
        raise InvalidApplication(
            f"{both}: it falls back to {standby.fallback} itself, and there are no chains"
        )
    if standby.name in first.copies:
        raise InvalidApplication(f"{both}: it gets copies of the same messages")
    for each in (first, standby):
        if obstacle := _obstacle(each):
            raise InvalidApplication(f"{both}: {each.name} {obstacle}")


def _obstacle(application: Application) -> str:
    if application.scheme == "python":
        return "is a processor, which is not called"
    return "wants an order, which would be lost" if application.order is Order.MAILBOX else ""
