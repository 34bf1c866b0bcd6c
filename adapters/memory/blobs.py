from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.ports import (
    CANARIES,
    BlobCanaries,
    BlobPage,
    BlobReferences,
    BlobStore,
    Canary,
    Clock,
)


@dataclass(frozen=True, slots=True)
class _Blob:
    content: bytes
    used_at: datetime
    is_aside: bool = False


class InMemoryBlobStore(BlobStore):
    """*clock* says when a blob was put; without one, no time passes."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
        self._blobs: dict[tuple[str, str], _Blob] = {}

    async def put(self, tenant: str, content: bytes) -> str:
        key = sha256(content).hexdigest()
        self._blobs[tenant, key] = _Blob(content, self._clock.now())
        return key

    async def get(self, tenant: str, key: str) -> bytes | None:
        blob = self._blobs.get((tenant, key))
        return blob.content if blob else None

    async def delete(self, tenant: str, key: str, *, unused_since: datetime) -> bool:
        blob = self._blobs.get((tenant, key))
        if blob is None or blob.used_at >= unused_since:
            return False
        if blob.is_aside:
            del self._blobs[tenant, key]
            return True
        self._blobs[tenant, key] = _Blob(blob.content, self._clock.now(), is_aside=True)
        return False

    async def unused(self, since: datetime, *, after: str = "", limit: int = 1000) -> BlobPage:
        names = sorted(
            f"{tenant}/{key}"
            for (tenant, key), blob in self._blobs.items()
            if blob.used_at < since and f"{tenant}/{key}" > after
        )
        page = [name.partition("/") for name in names[:limit]]
        return BlobPage(
            [(tenant, key) for tenant, _, key in page],
            next=names[limit - 1] if len(names) > limit else "",
        )


class InMemoryBlobReferences(BlobReferences):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def unreferenced(self, tenant: str, keys: Sequence[str]) -> Sequence[str]:
        used = self._canaries() if tenant == CANARIES else self._filed(tenant)
        return [key for key in dict.fromkeys(keys) if key not in used]

    def _canaries(self) -> set[str]:
        return {canary.key for canary, _ in self._database.canaries.values()}

    def _filed(self, tenant: str) -> set[str]:
        tables = self._database.read(tenant)
        comments = [comment for ticket in tables.tickets.values() for comment in ticket.comments]
        documents = (document.blob for comment in comments for document in comment.documents)
        originals = {comment.original for comment in comments}
        handed_over = {row.raw for row in tables.handovers.values()}
        return {*documents, *originals, *handed_over} - {""}


class InMemoryBlobCanaries(BlobCanaries):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def store(self, canary: Canary, *, now: datetime, gone_before: datetime) -> None:
        rows = self._database.canaries
        rows[canary.host, canary.pid] = canary, now
        for process in [process for process, (_, seen) in rows.items() if seen < gone_before]:
            del rows[process]

    async def newest(self, *, seen_since: datetime) -> Sequence[Canary]:
        seen = [canary for canary, at in self._database.canaries.values() if at >= seen_since]
        by_host = {canary.host: canary for canary in sorted(seen, key=lambda c: c.written_at)}
        return [canary for _, canary in sorted(by_host.items())]
