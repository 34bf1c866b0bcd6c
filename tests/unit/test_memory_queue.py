"""The queue in memory, beyond what it has in common with the others."""

from datetime import timedelta

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.ports import Claim


class CountingQueue(InMemoryPointerQueue):
    """Counts how often somebody looks for work."""

    looks = 0

    def _take(self, limit: int, lease: timedelta) -> list[Claim]:
        self.looks += 1
        return super()._take(limit, lease)


async def test_whoever_waits_is_heard_of_several_times_in_a_lease(clock: ManualClock) -> None:
    queue = CountingQueue(clock)

    await queue.claim(1, timedelta(seconds=0.03), wait=timedelta(seconds=0.3))

    assert queue.looks > 4
