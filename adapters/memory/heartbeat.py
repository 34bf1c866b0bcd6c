"""The heartbeat of a queue that is forgotten when the process ends."""

from datetime import datetime

from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.ports import Beaten, Clock, QueueContents, QueueHeartbeat, QueueSurvey
from postroom.domain.queue_loss import Lane


class InMemoryQueueHeartbeat(QueueHeartbeat):
    """*held* is what lies in the queue; a test may change it, as a loss would."""

    def __init__(self) -> None:
        self.held: int | None = None
        self.is_taken_over = False

    async def beat(self, number: int, *, floor: int = 0) -> Beaten:
        before = Beaten(self.held, self.is_taken_over)
        if not before.has_lost(floor):
            self.held = max(self.held or 0, number)
            self.is_taken_over = False
        return before


class InMemoryQueueSurvey(QueueSurvey):
    def __init__(self, queue: InMemoryPointerQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    async def contents(self) -> QueueContents:
        now, oldest = self._clock.now(), dict[Lane, datetime]()
        for job in self._queue.held():
            lane = (job.tenant, job.mailbox)
            oldest[lane] = min(job.enqueued_at, oldest.get(lane, now))
        dead = sum(lane.dead for lane in await self._queue.statistics())
        return QueueContents({lane: now - at for lane, at in oldest.items()}, dead)
