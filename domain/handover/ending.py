"""What the end of a handover is for the pointer that has led to its message."""

from postroom.domain.handover.handover import Handover, State
from postroom.domain.outcome import Completed, Dead, Effect, Skipped

DISCARDED = Skipped("discarded with its application")
"""What had not ended when its application was removed."""


def outcome_of(handover: Handover) -> Completed | Skipped | Dead | None:
    """None if it has not ended."""
    match handover.state:
        case State.DONE | State.DUPLICATE:
            return Completed(Effect.HANDED_OVER, handover.reference)
        case State.SKIPPED:
            return Skipped(handover.reason)
        case State.REFUSED | State.DEAD:
            return Dead(handover.reason)
        case _:
            return None
