"""Keys that others sign tokens with, cached so that a token costs no request.

Own code, since PyJWT's client of key sets blocks, and goes by the host's clock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable

KeyT = TypeVar("KeyT")

PAUSE = timedelta(minutes=1)
"""Between two requests for the sake of an id that is not in the cache: a flood of them is cheap."""

FIRST_PAUSE = timedelta(seconds=5)
"""The same while there are no keys at all."""


class KeyCache(Generic[KeyT]):
    """The keys that *fetch* gives, by id, requested anew when they are *fresh_for* so long.

    One request is made at a time, and goes on though nobody waits for it any more: a sender that
    is answered in time finds its keys when it sends again. *fetch* raises Unavailable rather than
    give no keys; *name* is what a reason calls them.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Mapping[str, KeyT]]],
        clock: Clock,
        *,
        name: str,
        fresh_for: timedelta,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._name = name
        self._fresh_for = fresh_for
        self._requesting: asyncio.Task[None] | None = None
        self._keys: Mapping[str, KeyT] = {}
        self._requested_at: datetime | None = None
        self._fetched_at: datetime | None = None

    async def find(self, key_id: str) -> KeyT | None:
        """The key of that id, or None if there is no such key.

        Raises Unavailable if there are none to look among. Old ones serve while there are no new.
        """
        if self._requesting:
            if key_id not in self._keys:
                await asyncio.shield(self._requesting)
        elif self._wanted(key_id):
            self._requesting = asyncio.create_task(self._refresh())
            self._requesting.add_done_callback(self._ended)
            await asyncio.shield(self._requesting)
        if not self._keys:
            raise Unavailable(f"{self._name} could not be fetched")
        return self._keys.get(key_id)

    def _ended(self, requesting: asyncio.Task[None]) -> None:
        self._requesting = None
        if not requesting.cancelled():
            requesting.exception()  # nobody may be left to hear of it

    def _wanted(self, key_id: str) -> bool:
        now = self._clock.now()
        pause = PAUSE if self._keys else FIRST_PAUSE
        if self._requested_at and now - self._requested_at < pause:
            return False
        if key_id not in self._keys or not self._fetched_at:
            return True
        return now - self._fetched_at >= self._fresh_for

    async def _refresh(self) -> None:
        try:
            self._keys = await self._fetch()
            self._fetched_at = self._clock.now()
        except Unavailable:
            if not self._keys:
                raise
        finally:
            self._requested_at = self._clock.now()
