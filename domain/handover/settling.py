"""What is made of answers to calls: pure, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
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
    """*handovers* are in the order of the answers. *changed* has the answer that changed each."""

    handovers: Sequence[Handover]
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

    An answer that changes nothing says nothing of the application either: it was settled before, or
    is of a call that another one has followed. A handover that is not stored any more stays as it
    was called with.
    """
    current, handovers, changed = dict(stored), [], {}
    for call, answer in answers:
        key = call.tenant, call.key
        before = current.get(key)
        if before is None:
            handovers.append(call)
            continue
        after = before.settled(
            answer, fence=call.fence, when_unsure=application.when_unsure, now=now, draw=draw
        )
        handovers.append(after)
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
    return Settlement(handovers, changed, health)
