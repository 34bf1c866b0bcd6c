"""How what has ended is started again: after which wait, and what the log says of its end."""

from dataclasses import dataclass
from signal import Signals

_DOUBLINGS = 16
"""However often it has ended: beyond these the wait is at its longest anyway."""


@dataclass(slots=True)
class Backoff:
    """Waits in seconds: none at first, then *first*, which doubles each time up to *longest*.

    After an end of what had been up for *settled* seconds there is none again.
    """

    first: float = 1
    longest: float = 60
    settled: float = 10
    failures: int = 0

    def after(self, lived: float) -> float:
        """The wait after an end that came *lived* seconds after the start."""
        self.failures = 1 if lived >= self.settled else self.failures + 1
        if self.failures == 1:
            return 0
        return min(self.first * 2.0 ** min(self.failures - 2, _DOUBLINGS), self.longest)


def end_fields(returncode: int | None) -> dict[str, str | int]:
    """The exit code, or the name of the signal; neither if nobody knows."""
    if returncode is None:
        return {}
    return {"exit_code": returncode} if returncode >= 0 else {"signal": _name_of(-returncode)}


def _name_of(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:  # most of the real-time signals have no name
        return str(number)
