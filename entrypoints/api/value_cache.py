"""Values of accounts that are remembered, so that who may send at all is known without a query."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import Clock, Routes
from postroom.domain.failure import Unavailable

_Key = tuple[str, str]


@dataclass(slots=True)
class _Entry:
    """*values*, which are good until *good_until*, when a *query* for newer ones begins."""

    values: frozenset[str]
    good_until: datetime
    query: asyncio.Task[None] | None = None


class ValueCache:
    """What `Routes.account_values` gives, queried behind the callers' backs from the second time.

    A value that is new is known *good_for* so long later at the most, if anybody wants values. What
    is known is served while the database is away, and does not wait for it: a query may take
    *within* seconds.
    """

    def __init__(self, routes: Routes, clock: Clock, *, good_for: timedelta, within: float) -> None:
        self._routes = routes
        self._clock = clock
        self._good_for = good_for
        self._within = within
        self._entries: dict[_Key, _Entry] = {}
        self._first: dict[_Key, asyncio.Task[None]] = {}

    async def get(self, provider: str, field: str) -> frozenset[str]:
        """Raises Unavailable if nothing is known yet."""
        key = provider, field
        entry = self._entries.get(key)
        if entry is None:
            await self._query_first(key)
            return self._entries[key].values
        if entry.query is None and self._clock.now() >= entry.good_until:
            entry.query = asyncio.create_task(self._query_again(key, entry))
        return entry.values

    async def _query_first(self, key: _Key) -> None:
        """Query as one, however many wait. Raises Unavailable."""
        if key not in self._first:
            self._first[key] = asyncio.create_task(self._query(key))
            self._first[key].add_done_callback(lambda ended: self._ended(key, ended))
        await asyncio.shield(self._first[key])

    def _ended(self, key: _Key, ended: asyncio.Task[None]) -> None:
        del self._first[key]
        if not ended.cancelled():
            ended.exception()  # nobody may be left to hear of it

    async def _query_again(self, key: _Key, entry: _Entry) -> None:
        try:
            await self._query(key)
        except Unavailable:
            entry.good_until = self._clock.now() + self._good_for
        finally:
            entry.query = None

    async def _query(self, key: _Key) -> None:
        try:
            async with asyncio.timeout(self._within):
                values = await self._routes.account_values(*key)
        except TimeoutError:
            raise Unavailable("the database does not answer in time") from None
        self._entries[key] = _Entry(values, self._clock.now() + self._good_for)
