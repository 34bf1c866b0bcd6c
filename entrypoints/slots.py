"""How many jobs a process may have in hand: few that it works on, and many that wait for others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.entrypoints.loop_lag import LoopLag

IN_HAND_PER_SLOT = 16
"""So many times as many jobs are in hand at the most as are worked on."""

BRISK = timedelta(milliseconds=100)
"""What has waited longer for a server takes no slot, as long as our own processor is idle."""

LONG = timedelta(seconds=2)
"""The same where the processor is busy: what lasts so long does not wait for that alone."""

LOOK_AGAIN = 0.05
"""Seconds until slots are counted again while none is free: another call may be waiting by now."""


def nobody_waits(_: timedelta) -> int:
    return 0


@dataclass(slots=True)
class Slots:
    """*number* of jobs are worked on at a time.

    Those do not count that only wait for somebody else's server: as many as *waiting* says have
    waited for so long. Where the processor is what all wait for, more jobs would only make each
    slower: then a call must have lasted for long, before it is sure that it does not wait for us.
    """

    number: int
    waiting: Callable[[timedelta], int] = nobody_waits
    lag: LoopLag = field(default_factory=LoopLag)

    def free(self, in_hand: int) -> int:
        """How many more there may be; less than none, if there are too many."""
        if in_hand >= self.number:
            self.lag.measure()
        waiting = self.waiting(LONG if self.lag.is_high else BRISK)
        return min(self.number + waiting, IN_HAND_PER_SLOT * self.number) - in_hand
