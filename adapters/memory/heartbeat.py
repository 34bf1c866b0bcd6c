"""The heartbeat of a queue that is forgotten when the process ends."""

from postroom.application.ports import QueueHeartbeat


class InMemoryQueueHeartbeat(QueueHeartbeat):
    def __init__(self) -> None:
        self._held: int | None = None

    async def beat(self, number: int) -> int | None:
        before = self._held
        self._held = number if before is None else max(before, number)
        return before
