"""The heartbeat of the queue: a number in each partition, by which its loss is noticed."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from postroom.adapters.redis.queue import PREFIX
from postroom.adapters.redis.scripts import Scripts, no_offset, root_of
from postroom.adapters.redis.servers import Servers
from postroom.application.ports import QueueHeartbeat


class RedisQueueHeartbeat(QueueHeartbeat):
    """The number lies among the partition's keys: it is lost when they are."""

    def __init__(self, servers: Servers, *, prefix: str = PREFIX, partitions: int = 1) -> None:
        roots = [root_of(prefix, number) for number in range(partitions)]
        self._partitions = [Scripts(servers.holding(root), root, no_offset) for root in roots]

    async def beat(self, number: int) -> int | None:
        call = uuid4().hex
        beats = (scripts.run("beat", number, call) for scripts in self._partitions)
        held: Sequence[bytes] = await asyncio.gather(*beats)
        return min(map(int, held)) if all(held) else None
