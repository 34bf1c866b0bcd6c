"""The adapters that a feature runs on: in memory, and for a few on real Redis and PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.adapters.postgres.cursors import PostgresCursors

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.migrations import migrate
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import (
    Cursors,
    FolderSyncs,
    Helpdesk,
    IdempotencyLedger,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
)
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import PointerJob


class FragileQueue(InMemoryPointerQueue):
    """Keeps nothing while *keeping* is off."""

    keeping = True

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        if not self.keeping:
            raise Unavailable("nothing can be kept")
        return await super().enqueue(jobs)


@dataclass(frozen=True)
class Rig:
    clock: ManualClock
    queue: PointerQueue
    ledger: IdempotencyLedger
    helpdesk: Helpdesk
    outcomes: Outcomes
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    cursors: Cursors


@asynccontextmanager
async def in_memory() -> AsyncIterator[Rig]:
    clock, tables = ManualClock(), InMemoryDatabase()
    yield Rig(
        clock=clock,
        queue=FragileQueue(clock),
        ledger=InMemoryIdempotencyLedger(tables),
        helpdesk=InMemoryHelpdesk(tables),
        outcomes=InMemoryOutcomes(tables),
        registry=InMemoryMailboxRegistry(tables),
        folder_syncs=InMemoryFolderSyncs(tables),
        cursors=InMemoryCursors(tables, clock),
    )


@asynccontextmanager
async def on_servers(redis_url: str, database_url: str) -> AsyncIterator[Rig]:
    """The clock begins at the host's time, and what it is moved by moves the queue's as well."""
    await migrate(database_url)
    start = SystemClock().now()
    clock = ManualClock(start)
    async with open_redis(redis_url) as servers, Database(database_url) as database:
        yield Rig(
            clock=clock,
            queue=RedisPointerQueue(servers, prefix=uuid4().hex, ahead=lambda: clock.now() - start),
            ledger=PostgresIdempotencyLedger(database),
            helpdesk=PostgresHelpdesk(database),
            outcomes=PostgresOutcomes(database),
            registry=PostgresMailboxRegistry(database, FernetCipher([generate_key()])),
            folder_syncs=PostgresFolderSyncs(database),
            cursors=PostgresCursors(database, clock),
        )
