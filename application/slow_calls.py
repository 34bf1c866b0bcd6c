"""The calls of this process that somebody else's server has not answered yet.

Such a call has nothing of ours but a connection, so it takes no slot (`Worker`): whatever hangs,
others go on. Of those that have lasted for SLOW a tenant, and a source, may have a share. Whoever
has that many waits before the next: nobody is kept from a server by those who never get an answer.
A source that is well never meets its share.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

SLOW = timedelta(seconds=2)

AGAIN_AFTER = timedelta(seconds=5)
"""How long whoever has its share waits until it asks again."""


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    began: float
    tenant: str
    sources: Sequence[str]


@dataclass(slots=True)
class SlowCalls:
    """*share* is how many calls that last one tenant, and one source, may have."""

    share: int
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
        if len(self._calls) < self.share:
            return False
        slow = list(self._lasting(self.slow))
        return sum(call.tenant == tenant for call in slow) >= self.share or any(
            sum(source in call.sources for call in slow) >= self.share for source in sources
        )

    def _lasting(self, at_least: timedelta) -> Iterator[_Call]:
        since = _now() - at_least.total_seconds()
        for call in self._calls:
            if call.began > since:
                return
            yield call


def _now() -> float:
    return asyncio.get_running_loop().time()
