"""Routes that are remembered, so that no flood of notifications is one of queries.

While the database is away, what is known is served however old it is: a notification of a known
mailbox needs nothing but the queue. Only the first to meet the outage wait, and not for long; from
then on the database is tried behind their backs.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from postroom.application.ports import Clock, Route, Routes
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.value_cache import ValueCache

TTL = timedelta(seconds=30)
"""How long a route is good, and so how late it is seen that a mailbox was paused, or removed."""

PATIENCE = 1.0
"""Seconds to wait for a route that is known, and too old. Some providers wait 3 for a response."""

QUERY_WITHIN = 5.0
"""Seconds for a query, since those after it wait for its end."""

RETRY_AFTER = timedelta(seconds=5)
"""How long routes that are known are not queried again when that has failed."""

MAX_WANTED = 10_000
"""Keys that may wait for the next query: anybody can send any number of them."""

MAX_ENTRIES = 10_000
"""Routes that are remembered. Unknown keys are not: anybody can send any number of them."""

_Answer = asyncio.Future[Mapping[str, Route]]


class RouteCache(Routes):
    """Remembers what was found, and queries the rest, one query at a time.

    A query takes all keys that gathered while the one before it was on its way.
    """

    def __init__(self, routes: Routes, clock: Clock) -> None:
        self._routes = routes
        self._clock = clock
        self._entries: dict[str, tuple[Route, datetime]] = {}  # the oldest come first
        self._retry_at: datetime | None = None  # while the database is away
        self._wanted: set[str] = set()
        self._answer: _Answer | None = None  # to those who want these
        self._querying: asyncio.Task[None] | None = None
        self._values = ValueCache(routes, clock, good_for=TTL, within=QUERY_WITHIN)

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        now = self._clock.now()
        good_since = now - TTL
        found: dict[str, Route] = {}
        missing: list[str] = []
        for key in keys:
            entry = self._entries.get(key)
            if entry and entry[1] > good_since:
                found[key] = entry[0]
            else:
                missing.append(key)
        return {**found, **await self._find_missing(missing, now)} if missing else found

    async def account_values(self, provider: str, field: str) -> frozenset[str]:
        return await self._values.get(provider, field)

    async def _find_missing(self, keys: Sequence[str], now: datetime) -> Mapping[str, Route]:
        if not all(key in self._entries for key in keys):
            return await self._query(keys)
        known = {key: self._entries[key][0] for key in keys}
        if self._retry_at:
            self._try_again(keys, now)
            return known
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._query(keys)
        except (Unavailable, TimeoutError):
            self._retry_at = now + RETRY_AFTER
            return known

    def _try_again(self, keys: Sequence[str], now: datetime) -> None:
        """Have *keys* queried, for those who come later, if it is time."""
        if self._retry_at and now >= self._retry_at and self._querying is None:
            self._retry_at = now + RETRY_AFTER
            self._want(keys)

    async def _query(self, keys: Sequence[str]) -> Mapping[str, Route]:
        # A request that is given up takes nothing back: the answer is everyone's.
        found = await asyncio.shield(self._want(keys))
        return {key: found[key] for key in keys if key in found}

    def _want(self, keys: Sequence[str]) -> _Answer:
        """The answer to the next query, which *keys* are part of. Raises Unavailable."""
        if len(self._wanted) + len(keys) > MAX_WANTED:
            raise Unavailable("too many notifications wait for the database")
        self._wanted.update(keys)
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        if self._querying is None:
            self._querying = asyncio.create_task(self._query_all())
        return self._answer

    async def _query_all(self) -> None:
        try:
            while self._answer:
                wanted, answer = self._wanted, self._answer
                self._wanted, self._answer = set(), None
                await self._query_once(wanted, answer)
        finally:
            self._querying = None

    async def _query_once(self, wanted: set[str], answer: _Answer) -> None:
        try:
            found = await self._find(sorted(wanted))
        except Exception as error:  # noqa: BLE001 - it is raised again, where it is waited for
            answer.set_exception(error)
            answer.exception()  # nobody may be left to hear of it
        else:
            self._retry_at = None
            self._store(wanted, found)
            answer.set_result(found)

    async def _find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        try:
            async with asyncio.timeout(QUERY_WITHIN):
                return await self._routes.find(keys)
        except TimeoutError:
            raise Unavailable("the database does not answer in time") from None

    def _store(self, wanted: Collection[str], found: Mapping[str, Route]) -> None:
        now = self._clock.now()
        for key in wanted:
            self._entries.pop(key, None)
        for key, route in found.items():
            self._entries[key] = route, now
        while len(self._entries) > MAX_ENTRIES:
            del self._entries[next(iter(self._entries))]
