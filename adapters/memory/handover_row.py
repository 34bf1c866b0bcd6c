"""What is stored of a handover beside itself, and of an application; and what is due, in turns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from postroom.application.ports import HandoverRecord
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.health import Condition, Health
from postroom.domain.pointer import PointerJob

_OPEN = frozenset({State.WAITING, State.CALLING, State.HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRow:
    """*owner* is that of the application, as it was when the message was accepted."""

    handover: Handover
    owner: str
    body: bytes
    job: PointerJob | None
    raw: str
    raw_size: int
    traceparent: str
    last_answer: Mapping[str, object] = field(default_factory=dict)

    @property
    def record(self) -> HandoverRecord:
        return HandoverRecord(
            handover=self.handover,
            job=self.job,
            raw=self.raw,
            raw_size=self.raw_size,
            body_size=len(self.body),
            last_answer=self.last_answer,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How an application stands; *turn* is the lane that was called with last."""

    health: Health
    turn: str = ""


def in_turns(
    stored: Iterable[Handover], standing: Standing, now: datetime, limit: int, *, ordered: bool
) -> Sequence[Handover]:
    """Up to *limit* that are due: what was abandoned, then those of each lane in turn.

    After a failure, only what has not failed yet, if there is any.
    """
    found = _firsts(stored) if ordered else stored
    due = [each for each in found if each.is_due(now)]
    if standing.health.condition is not Condition.ACTIVE:
        due = [each for each in due if each.failed_began is None] or due
    if ordered:
        return sorted(due, key=lambda each: _turn(each, standing))[:limit]
    waiting = [each for each in due if each.state is State.WAITING]
    abandoned = [each for each in due if each.state is State.CALLING]
    abandoned.sort(key=lambda each: each.lease_until or now)
    return [*abandoned, *_rounds(waiting, standing)][:limit]


def _firsts(stored: Iterable[Handover]) -> Sequence[Handover]:
    """The first of each lane that has not ended."""
    first: dict[str, Handover] = {}
    for each in sorted(stored, key=_place):
        if each.state in _OPEN:
            first.setdefault(each.lane, each)
    return list(first.values())


def _place(each: Handover) -> tuple[bool, int, datetime, str]:
    """What was accepted before an order was wanted has no number, and comes first."""
    return each.sequence is not None, each.sequence or 0, each.accepted_at, each.key


def _rounds(waiting: Sequence[Handover], standing: Standing) -> Sequence[Handover]:
    by_lane = sorted(waiting, key=lambda each: (_turn(each, standing), each.due_at))
    placed = [
        (number, turn, each)
        for turn, (_, lane) in enumerate(groupby(by_lane, key=lambda each: each.lane))
        for number, each in enumerate(lane)
    ]
    return [each for _, _, each in sorted(placed, key=lambda place: place[:2])]


def _turn(each: Handover, standing: Standing) -> tuple[bool, str]:
    """The lanes after the one that was called with last, and then the others."""
    return each.lane <= standing.turn, each.lane
