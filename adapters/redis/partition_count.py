"""Whether the queue is read with as many partitions as it was written with."""

import asyncio

from postroom.adapters.redis.errors import translated
from postroom.adapters.redis.queue import PREFIX
from postroom.adapters.redis.servers import COMMAND_TIMEOUT, Servers
from postroom.application.ports import HealthCheck
from postroom.domain.failure import StoreUnavailable


class PartitionCountHealth(HealthCheck):
    """Remembers the number in Redis, and refuses another: lanes would be looked for elsewhere."""

    name = "partitions"

    def __init__(self, servers: Servers, partitions: int, *, prefix: str = PREFIX) -> None:
        self._key = f"{{{prefix}:partitions}}"
        self._redis = servers.holding(self._key)
        self._partitions = partitions

    async def __call__(self) -> None:
        with translated():
            async with asyncio.timeout(COMMAND_TIMEOUT):
                known = await self._redis.get(self._key)  # first: a full server takes no SET
                if known is None:
                    await self._redis.set(self._key, self._partitions, nx=True)
                    known = await self._redis.get(self._key)
        if (number := int(known or 0)) != self._partitions:
            raise StoreUnavailable(
                f"the queue lies in {number} partitions: set POSTROOM_REDIS_PARTITIONS={number},"
                " or change the number as docs/operator-guide.md says"
            )
