"""What is kept, in memory and in each PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from postroom.adapters.memory.cursors import InMemoryCursors

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.postgres.cursors import PostgresCursors
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.application.ports import (
    Cursors,
    FolderSyncs,
    Helpdesk,
    IdempotencyLedger,
    MailboxRegistry,
    Outcomes,
)
from postroom.domain.folder_sync import FolderSync
from tests.contracts.samples import NOON, microsoft_mailbox
from tests.contracts.taking import claim_one
from tests.databases import empty, new_database
from tests.engines import DATABASE_SERVERS


@dataclass(frozen=True)
class Storage:
    """All that keeps something, over one database."""

    ledger: IdempotencyLedger
    helpdesk: Helpdesk
    outcomes: Outcomes
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    cursors: Cursors


@pytest.fixture(scope="session")
def migrated_url(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The URL of a database with our schema on the server of that name: one for the session."""
    urls: dict[str, str] = {}

    def url_on(server: str) -> str:
        if server not in urls:
            fixture = {"postgres-18": "postgres_url", "postgres-15": "debian_postgres_url"}[server]
            urls[server] = new_database(request.getfixturevalue(fixture))
        return urls[server]

    return url_on


@pytest.fixture(params=["memory", *DATABASE_SERVERS])
def emptied_url(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> str:
    """The URL of a database without a row, or nothing, which stands for memory."""
    if request.param == "memory":
        return ""
    url = migrated_url(request.param)
    empty(url)
    return url


@pytest.fixture
async def storage(emptied_url: str, clock: ManualClock) -> AsyncIterator[Storage]:
    if not emptied_url:
        tables = InMemoryDatabase()
        yield Storage(
            InMemoryIdempotencyLedger(tables),
            InMemoryHelpdesk(tables),
            InMemoryOutcomes(tables),
            InMemoryMailboxRegistry(tables),
            InMemoryFolderSyncs(tables),
            InMemoryCursors(tables, clock),
        )
        return
    async with Database(emptied_url) as database:
        yield Storage(
            PostgresIdempotencyLedger(database),
            PostgresHelpdesk(database),
            PostgresOutcomes(database),
            PostgresMailboxRegistry(database, FernetCipher([generate_key()])),
            PostgresFolderSyncs(database),
            PostgresCursors(database, clock),
        )


@pytest.fixture
def ledger(storage: Storage) -> IdempotencyLedger:
    return storage.ledger


@pytest.fixture
def helpdesk(storage: Storage) -> Helpdesk:
    return storage.helpdesk


@pytest.fixture
def outcomes(storage: Storage) -> Outcomes:
    return storage.outcomes


@pytest.fixture
def registry(storage: Storage) -> MailboxRegistry:
    return storage.registry


@pytest.fixture
def folder_syncs(storage: Storage) -> FolderSyncs:
    return storage.folder_syncs


@pytest.fixture
def cursors(storage: Storage) -> Cursors:
    return storage.cursors


@pytest.fixture
async def taken(registry: MailboxRegistry, folder_syncs: FolderSyncs) -> FolderSync:
    """The folder_sync of the one folder of a mailbox, taken at noon."""
    await registry.add(microsoft_mailbox())
    return await claim_one(folder_syncs, NOON)
