"""The adapters that a feature runs on: in memory, and for a few on real Redis and PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from adapters.clock import SystemClock
from adapters.crypto import FernetCipher, generate_key
from adapters.memory.clock import ManualClock
from adapters.memory.cursors import InMemoryCursors
from adapters.memory.database import InMemoryDatabase
from adapters.memory.helpdesk import InMemoryHelpdesk
from adapters.memory.ledger import InMemoryIdempotencyLedger
from adapters.memory.outcomes import InMemoryOutcomes
from adapters.memory.queue import InMemoryPointerQueue
from adapters.memory.receptions import InMemoryReceptions
from adapters.memory.registry import InMemoryMailboxRegistry
from adapters.postgres.cursors import PostgresCursors
from adapters.postgres.database import Database
from adapters.postgres.helpdesk import PostgresHelpdesk
from adapters.postgres.ledger import PostgresIdempotencyLedger
from adapters.postgres.migrations import migrate
from adapters.postgres.outcomes import PostgresOutcomes
from adapters.postgres.receptions import PostgresReceptions
from adapters.postgres.registry import PostgresMailboxRegistry
from adapters.redis.connection import open_redis
from adapters.redis.queue import RedisPointerQueue
from application.ports import (
    Cursors,
    Helpdesk,
    IdempotencyLedger,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
    Receptions,
)
from domain.failure import Unavailable
from domain.pointer import PointerJob


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
    receptions: Receptions
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
        receptions=InMemoryReceptions(tables),
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
            receptions=PostgresReceptions(database),
            cursors=PostgresCursors(database, clock),
        )
