"""The day of the change: what becomes of the messages that were accepted in shadow.

What the provider took in before the moment of the change is the other system's. From then on, what
that system has handled is a duplicate, and the rest waits to be handed over: exactly one of the two
handles each message. To decide once more, by the same list, changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.domain.handover.application import Mode
from postroom.domain.handover.handover import State
from postroom.domain.ingress import IngressMode
from postroom.domain.takeover import may_be

SHADOW_LASTS = timedelta(days=30)
"""What came in shadow so long ago is deleted: no change goes back so far."""

BEFORE = "handled by the old system before the change"
LISTED = "the old system says that it has handled it"

_CAREFUL = (Mode.DELIVER, Mode.SHADOW, Mode.OFF)
_MODES = {
    IngressMode.QUEUE: Mode.DELIVER,
    IngressMode.SHADOW: Mode.SHADOW,
    IngressMode.OFF: Mode.OFF,
}


def careful(ingress: IngressMode, application: Mode) -> Mode:
    """The mode that wins where the two differ: the more careful one."""
    return max(_MODES[ingress], application, key=_CAREFUL.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRow:
    """A handover as far as it matters here; *identity* is the name of the message's."""

    application: str
    key: str
    identity: str
    received_at: datetime
    accepted_at: datetime
    state: State


@dataclass(frozen=True, slots=True)
class Decision:
    """What a *row* that is in shadow becomes: `waiting`, or `duplicate` for that reason."""

    row: ShadowRow
    state: State
    reason: str = ""


def decide(
    rows: Sequence[ShadowRow], handled: Mapping[str, Sequence[datetime]], since: datetime
) -> tuple[Sequence[Decision], Mapping[str, Sequence[datetime]]]:
    """What becomes of those *rows* of a mailbox that are in shadow; and what is left of *handled*.

    *handled* is when the other system has handled messages, by the name of their identity. Each of
    these moments stands for one message, whatever has become of that here by now.
    """
    left = {name: sorted(moments) for name, moments in handled.items()}
    listed: dict[str, bool] = {}  # by key: of one message, an application's row and its copies'
    decisions = []
    for row in sorted(rows, key=lambda row: (row.received_at, row.key, row.application)):
        if row.key not in listed:
            listed[row.key] = _take(left.get(row.identity, []), row.received_at)
        if row.state is State.SHADOW:
            decisions.append(_decision(row, since, is_listed=listed[row.key]))
    return decisions, {name: moments for name, moments in left.items() if moments}


def _take(moments: list[datetime], received_at: datetime) -> bool:
    """Take away the first of *moments* at which a message taken in then may have been handled."""
    found = next((moment for moment in moments if may_be(received_at, moment)), None)
    if found:
        moments.remove(found)
    return found is not None


def _decision(row: ShadowRow, since: datetime, *, is_listed: bool) -> Decision:
    if row.received_at < since:
        return Decision(row, State.DUPLICATE, BEFORE)
    return Decision(row, State.DUPLICATE, LISTED) if is_listed else Decision(row, State.WAITING)
