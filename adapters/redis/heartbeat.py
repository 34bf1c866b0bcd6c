"""The heartbeat of the queue: a number in each partition, by which its loss is noticed."""

import asyncio
from uuid import uuid4

from postroom.adapters.redis.durability import Durability
from postroom.adapters.redis.queue import PREFIX
from postroom.adapters.redis.scripts import Scripts, no_offset, root_of
from postroom.adapters.redis.servers import Servers
from postroom.application.ports import Beaten, QueueHeartbeat


class RedisQueueHeartbeat(QueueHeartbeat):
    """The number lies among the partition's keys: it is lost when they are.

    A replica that takes over may lack what its primary acknowledged last, and so may a server that
    starts again and does not promise *durability* of fsync.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        prefix: str = PREFIX,
        partitions: int = 1,
        durability: Durability = Durability.FSYNC,
    ) -> None:
        roots = [root_of(prefix, number) for number in range(partitions)]
        self._partitions = [Scripts(servers.holding(root), root, no_offset) for root in roots]
        self._forgets = int(durability is not Durability.FSYNC)

    async def beat(self, number: int, *, floor: int = 0) -> Beaten:
        call = uuid4().hex
        parts = await asyncio.gather(
            *(
                scripts.run("beat", number, call, floor, self._forgets)
                for scripts in self._partitions
            )
        )
        held = [int(number) if number else None for number, _ in parts]
        lowest = None if None in held else min(filter(None, held))
        return Beaten(lowest, is_taken_over=any(lacks for _, lacks in parts))
