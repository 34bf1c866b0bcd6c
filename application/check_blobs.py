"""Whether all processes read the blobs that each writes: a store that is not shared loses mail.

Each process writes a blob that nobody else has, its canary, and each reads those of all hosts. A
process that was not seen for some minutes is gone, and so may be what it has written.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.application.ports import (
    CANARIES,
    BlobCanaries,
    BlobStore,
    Canary,
    Clock,
    HealthCheck,
)
from postroom.domain.failure import StoreUnavailable, Unavailable

WRITTEN_EVERY = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)
SEEN_WITHIN = 5 * SEEN_EVERY

FORGOTTEN_AFTER = timedelta(hours=2)
"""The blob of a process that is gone is deleted after that."""

CHECKED_EVERY = timedelta(seconds=30)

UNREADABLE = "what this process stores as blobs cannot be read back: see where POSTROOM_BLOBS leads"
NOT_SHARED = "set POSTROOM_BLOBS to a place that all hosts share"
OTHER_KEYS = ", and POSTROOM_SECRET_KEYS to the same keys"


@dataclass(slots=True, kw_only=True)
class CheckBlobs(HealthCheck):
    """The process is *pid* on *host*. What is stored is encrypted, if *encrypts*."""

    name = "blobs"

    blobs: BlobStore
    canaries: BlobCanaries
    clock: Clock
    host: str
    pid: int
    encrypts: bool = False
    _own: Canary | None = field(default=None, init=False)
    _checked_at: datetime | None = field(default=None, init=False)
    _complaint: str = field(default="", init=False)

    async def __call__(self) -> None:
        """What is found is good for CHECKED_EVERY; a store that is away is tried each time."""
        now = self.clock.now()
        if self._checked_at is None or now - self._checked_at >= CHECKED_EVERY:
            self._complaint = await self._find_complaint(now)
            self._checked_at = now
        if self._complaint:
            raise StoreUnavailable(self._complaint)

    async def _written(self, now: datetime) -> Canary:
        if self._own is None or now - self._own.written_at >= WRITTEN_EVERY:
            key = await self.blobs.put(CANARIES, secrets.token_bytes(32))
            self._own = Canary(self.host, self.pid, key, now)
        return self._own

    async def _find_complaint(self, now: datetime) -> str:
        own = await self._written(now)
        if await self.blobs.get(CANARIES, own.key) is None:
            self._own = None  # another is tried next: somebody may have emptied the place
            return UNREADABLE
        for canary in await self._exchanged(own, now):
            if await self.blobs.get(CANARIES, canary.key) is None:
                return self._not_shared(canary.host)
        return ""

    async def _exchanged(self, own: Canary, now: datetime) -> Sequence[Canary]:
        """Those of all hosts, who find ours in turn.

        None while the database is away, which has a check of its own.
        """
        with suppress(Unavailable):
            await self.canaries.store(own, now=now, gone_before=now - FORGOTTEN_AFTER)
            return await self.canaries.newest(seen_since=now - SEEN_WITHIN)
        return ()

    def _not_shared(self, host: str) -> str:
        remedy = NOT_SHARED + (OTHER_KEYS if self.encrypts else "")
        return f"the blobs that {host} writes cannot be read here: {remedy}"
