"""The adapters that a feature runs on: in memory, and for a few on real Redis and PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.outbox import InMemoryOutbox
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.routes import InMemoryRoutes
from postroom.adapters.memory.shadow_rows import InMemoryShadowRows
from postroom.adapters.memory.takeovers import InMemoryTakeovers
from postroom.adapters.memory.witness import InMemoryQueueWitness
from postroom.adapters.postgres.applications import PostgresApplications
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.handover_records import PostgresHandoverRecords
from postroom.adapters.postgres.handovers import PostgresHandovers
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.migrations import migrate
from postroom.adapters.postgres.outbox import PostgresOutbox
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.adapters.postgres.shadow_rows import PostgresShadowRows
from postroom.adapters.postgres.takeovers import PostgresTakeovers
from postroom.adapters.postgres.witness import PostgresQueueWitness
from postroom.adapters.redis.partitions import redis_queue
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import (
    Applications,
    FolderSyncs,
    HandoverRecords,
    Handovers,
    Helpdesk,
    IdempotencyLedger,
    MailboxRegistry,
    Outbox,
    Outcomes,
    PointerQueue,
    QueueWitness,
    Routes,
    ShadowRows,
    Takeovers,
)
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import PointerJob
from tests.providers import ACCOUNTS, POINTERS, WIRE


class FragileQueue(InMemoryPointerQueue):
    """Takes nothing in unless it is *open*."""

    open = True

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        if not self.open:
            raise Unavailable("nothing can be queued")
        return await super().enqueue(jobs)


@dataclass(frozen=True)
class Rig:
    clock: ManualClock
    queue: PointerQueue
    witness: QueueWitness
    ledger: IdempotencyLedger
    helpdesk: Helpdesk
    outcomes: Outcomes
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    routes: Routes
    takeovers: Takeovers
    shadow_rows: ShadowRows
    applications: Applications
    handovers: Handovers
    handover_records: HandoverRecords
    outbox: Outbox


@asynccontextmanager
async def in_memory() -> AsyncIterator[Rig]:
    clock = ManualClock()
    tables = InMemoryDatabase(clock)
    yield Rig(
        clock=clock,
        queue=FragileQueue(clock),
        witness=InMemoryQueueWitness(tables, clock),
        ledger=InMemoryIdempotencyLedger(tables),
        helpdesk=InMemoryHelpdesk(tables),
        outcomes=InMemoryOutcomes(tables),
        registry=InMemoryMailboxRegistry(tables),
        folder_syncs=InMemoryFolderSyncs(tables),
        routes=InMemoryRoutes(tables),
        takeovers=InMemoryTakeovers(tables),
        shadow_rows=InMemoryShadowRows(tables, clock),
        applications=InMemoryApplications(tables),
        handovers=InMemoryHandovers(tables, clock),
        handover_records=InMemoryHandoverRecords(tables, clock),
        outbox=InMemoryOutbox(tables, clock),
    )


@asynccontextmanager
async def on_servers(redis_url: str, database_url: str) -> AsyncIterator[Rig]:
    """The clock begins at the host's time, and what it is moved by moves the queue's as well."""
    await migrate(database_url)
    start = SystemClock().now()
    clock = ManualClock(start)
    async with open_redis(redis_url) as servers, Database(database_url) as database:
        cipher = FernetCipher([generate_key()])
        registry = PostgresMailboxRegistry(database, cipher, ACCOUNTS)
        takeovers = PostgresTakeovers(database, registry)
        yield Rig(
            clock=clock,
            queue=redis_queue(servers, WIRE, prefix=uuid4().hex, ahead=lambda: clock.now() - start),
            witness=PostgresQueueWitness(database),
            ledger=PostgresIdempotencyLedger(database),
            helpdesk=PostgresHelpdesk(database),
            outcomes=PostgresOutcomes(database, POINTERS),
            registry=registry,
            folder_syncs=PostgresFolderSyncs(database),
            routes=PostgresRoutes(database),
            takeovers=takeovers,
            shadow_rows=PostgresShadowRows(database, takeovers),
            applications=PostgresApplications(database, cipher),
            handovers=PostgresHandovers(database, POINTERS),
            handover_records=PostgresHandoverRecords(database, POINTERS),
            outbox=PostgresOutbox(database),
        )
