"""The calls of this process that somebody else's server has not answered yet.

Such a call has nothing of ours but a connection, so it takes no slot (`Worker`): whatever hangs,
others go on. But there are only so many *places* for calls at a time, and those that hang must not
have them all. So a tenant, and a source, may have as many slow calls as there are places left (this
is known as dynamic thresholds): whoever is alone has half of them, two have a third each, and there
is always room for a stranger. Whoever has that many waits before the next. While there are places
in plenty, nobody does.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

SLOW = timedelta(seconds=0.5)
"""How long a call must have lasted to count. In that time no more can begin than some places are
left for: see `Slots`."""

AGAIN_AFTER = timedelta(seconds=5)
"""How long whoever has its share waits until it asks again."""


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    began: float
    tenant: str
    sources: Sequence[str]


@dataclass(slots=True)
class SlowCalls:
    """*places* is how many calls there may be at a time."""

    places: int
    slow: timedelta = SLOW
    _calls: dict[_Call, None] = field(default_factory=dict, init=False, repr=False)  # oldest first

    @contextmanager
    def calling(self, tenant: str, sources: Sequence[str]) -> Iterator[None]:
        """A call of *tenant*'s to one of *sources* is the block."""
        call = _Call(_now(), tenant, sources)
        self._calls[call] = None
        try:
            yield
        finally:
            del self._calls[call]

    def lasting(self, at_least: timedelta) -> int:
        """How many have lasted so long."""
        return sum(1 for _ in self._lasting(at_least))

    def are_too_many(self, tenant: str, sources: Sequence[str]) -> bool:
        """Whether *tenant*, or one of *sources*, has its share of those that last."""
        if 2 * len(self._calls) < self.places:
            return False
        slow = list(self._lasting(self.slow))
        share = max(self.places - len(slow), 1)
        return sum(call.tenant == tenant for call in slow) >= share or any(
            sum(source in call.sources for call in slow) >= share for source in sources
        )

    def _lasting(self, at_least: timedelta) -> Iterator[_Call]:
        since = _now() - at_least.total_seconds()
        for call in self._calls:
            if call.began > since:
                return
            yield call


def _now() -> float:
    return asyncio.get_running_loop().time()
