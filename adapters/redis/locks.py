"""Locks on Redis, by redis-py: a key with a token and an expiry, which the holder prolongs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio.lock import Lock
from redis.exceptions import LockError

from postroom.adapters.redis.errors import translated
from postroom.adapters.redis.queue import PREFIX
from postroom.adapters.redis.servers import COMMAND_TIMEOUT, Servers
from postroom.application.ports import Locks
from postroom.domain.failure import Unavailable

EXPIRY = 15.0
"""Seconds after the death of its holder that a lock is free again."""


class RedisLocks(Locks):
    def __init__(self, servers: Servers, *, prefix: str = PREFIX) -> None:
        self._servers = servers
        self._prefix = prefix

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        key = f"{{{self._prefix}:locks}}:{name}"
        lock = Lock(self._servers.holding(key), key, timeout=EXPIRY, blocking=False)
        with translated():
            async with asyncio.timeout(COMMAND_TIMEOUT):
                is_ours = await lock.acquire()
        if not is_ours:
            yield False
            return
        prolonging = asyncio.create_task(_prolong(lock))
        try:
            yield True
        finally:
            prolonging.cancel()
            with suppress(Unavailable, LockError), translated():
                async with asyncio.timeout(COMMAND_TIMEOUT):
                    await lock.release()


async def _prolong(lock: Lock) -> None:
    while True:
        await asyncio.sleep(EXPIRY / 3)
        with suppress(Unavailable, LockError), translated():
            async with asyncio.timeout(COMMAND_TIMEOUT):
                await lock.reacquire()
