"""What is made of answers to calls: pure, in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover
from postroom.domain.handover.health import Health

Key = tuple[str, str]
"""Tenant and key: those of one application are meant."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """*changed* has what has become of those that were changed, and the answer that did it last."""

    changed: Mapping[Key, tuple[Handover, Answer]]
    health: Health


def settle(
    stored: Mapping[Key, Handover],
    answers: Iterable[tuple[Handover, Answer]],
    health: Health,
    application: Application,
    *,
    now: datetime,
    draw: float,
) -> Settlement:
    """What becomes of *stored* by *answers*, each with the handover as it was called with.

    An answer that changes nothing says nothing of the application either: it was settled before, is
    of a call that another one has followed, or of a handover that is not stored any more.
    """
    current, changed = dict(stored), dict[Key, tuple[Handover, Answer]]()
    for call, answer in answers:
        key = call.tenant, call.key
        before = current.get(key)
        if before is None:
            continue
        after = before.settled(
            answer, fence=call.fence, when_unsure=application.when_unsure, now=now, draw=draw
        )
        if after != before:
            current[key], changed[key] = after, (after, answer)
            health = health.after(
                answer,
                key=call.key,
                began=call.began_at or now,
                now=now,
                draw=draw,
                limit=application.in_flight,
            )
    return Settlement(changed, health)
