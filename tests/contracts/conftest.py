"""What is stored: in memory, in each PostgreSQL, and on each Redis."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import BodySeal, FernetCipher, generate_key
from postroom.adapters.memory.application_survey import InMemoryApplicationSurvey
from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.blobs import InMemoryBlobCanaries, InMemoryBlobReferences
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.ledger_connections import InMemoryLedgerConnections
from postroom.adapters.memory.outbox import InMemoryOutbox
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.routes import InMemoryRoutes
from postroom.adapters.memory.takeovers import InMemoryTakeovers
from postroom.adapters.memory.witness import InMemoryQueueWitness
from postroom.adapters.postgres.application_survey import PostgresApplicationSurvey
from postroom.adapters.postgres.applications import PostgresApplications
from postroom.adapters.postgres.blobs import PostgresBlobCanaries, PostgresBlobReferences
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.handover_bodies import Bodies
from postroom.adapters.postgres.handover_records import PostgresHandoverRecords
from postroom.adapters.postgres.handovers import PostgresHandovers
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.ledger_connections import PostgresLedgerConnections
from postroom.adapters.postgres.outbox import PostgresOutbox
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.pull_states import PostgresPullStates
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.adapters.postgres.takeovers import PostgresTakeovers
from postroom.adapters.postgres.witness import PostgresQueueWitness
from postroom.application.ports import (
    Applications,
    ApplicationSurvey,
    BlobCanaries,
    BlobReferences,
    FolderSyncs,
    HandoverRecords,
    Handovers,
    Helpdesk,
    IdempotencyLedger,
    LedgerConnections,
    MailboxRegistry,
    Outbox,
    Outcomes,
    PullStates,
    QueueWitness,
    Routes,
    Takeovers,
)
from postroom.domain.account import UnreadableAccount
from postroom.domain.folder_sync import FolderSync
from tests.contracts.claiming import claim_one
from tests.contracts.handing_over import PassTime, of_clock, of_database
from tests.contracts.samples import NOON, microsoft_mailbox
from tests.databases import empty, new_database
from tests.engines import DATABASE_SERVERS, REDIS_SERVERS
from tests.providers import ACCOUNTS, POINTERS

Without = Callable[[str], Awaitable[MailboxRegistry]]
"""The registry as a release sees it that lacks the provider of that name."""


@dataclass(frozen=True)
class Storage:
    """All that stores something, over one database."""

    ledger: IdempotencyLedger
    helpdesk: Helpdesk
    outcomes: Outcomes
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    routes: Routes
    witness: QueueWitness
    takeovers: Takeovers
    blob_references: BlobReferences
    blob_canaries: BlobCanaries
    without: Without
    handovers: Handovers
    handover_records: HandoverRecords
    applications: Applications
    application_survey: ApplicationSurvey
    pass_time: PassTime
    ledger_connections: LedgerConnections
    outbox: Outbox
    pull_states: PullStates


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


@pytest.fixture(params=["memory", *REDIS_SERVERS, "resp3", "cluster"])
def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of a Redis, over either protocol, or nothing, which stands for memory."""
    if request.param == "memory":
        return ""
    if request.param == "cluster":
        return str(request.getfixturevalue("valkey_cluster").url)
    fixture = "debian_redis_url" if request.param == "redis" else "valkey_url"
    url = str(request.getfixturevalue(fixture))
    return f"{url}&protocol=3" if request.param == "resp3" else url


@pytest.fixture
async def storage(emptied_url: str) -> AsyncIterator[Storage]:
    if not emptied_url:
        yield in_memory()
        return
    async with Database(emptied_url) as database:
        yield in_postgres(database)


def in_memory() -> Storage:
    clock = ManualClock()
    tables = InMemoryDatabase(clock)
    registry = InMemoryMailboxRegistry(tables)

    async def without(provider: str) -> MailboxRegistry:
        for mailbox in await registry.all():
            if mailbox.provider == provider:
                reason = f"this release of Postroom has no provider {provider}"
                async with tables.transaction(mailbox.tenant) as of_tenant:
                    of_tenant.mailboxes[mailbox.id] = replace(
                        mailbox, account=UnreadableAccount(provider, reason)
                    )
        return registry

    return Storage(
        InMemoryIdempotencyLedger(tables),
        InMemoryHelpdesk(tables),
        InMemoryOutcomes(tables),
        registry,
        InMemoryFolderSyncs(tables),
        InMemoryRoutes(tables),
        InMemoryQueueWitness(tables, SystemClock()),
        InMemoryTakeovers(tables),
        InMemoryBlobReferences(tables),
        InMemoryBlobCanaries(tables),
        without,
        InMemoryHandovers(tables, clock),
        InMemoryHandoverRecords(tables, clock),
        InMemoryApplications(tables),
        InMemoryApplicationSurvey(InMemoryApplications(tables), InMemoryHandovers(tables, clock)),
        of_clock(clock),
        InMemoryLedgerConnections(tables),
        InMemoryOutbox(tables, clock),
        InMemoryPullStates(),
    )


def in_postgres(database: Database) -> Storage:
    keys = [generate_key()]
    cipher, bodies = FernetCipher(keys), Bodies(BodySeal(keys, encrypts=True))

    async def without(provider: str) -> MailboxRegistry:
        accounts = {name: account for name, account in ACCOUNTS.items() if name != provider}
        return PostgresMailboxRegistry(database, cipher, accounts)

    registry = PostgresMailboxRegistry(database, cipher, ACCOUNTS)
    return Storage(
        PostgresIdempotencyLedger(database),
        PostgresHelpdesk(database),
        PostgresOutcomes(database, POINTERS),
        registry,
        PostgresFolderSyncs(database),
        PostgresRoutes(database),
        PostgresQueueWitness(database),
        PostgresTakeovers(database, registry),
        PostgresBlobReferences(database),
        PostgresBlobCanaries(database),
        without,
        PostgresHandovers(database, POINTERS, bodies),
        PostgresHandoverRecords(database, POINTERS, bodies),
        PostgresApplications(database, cipher),
        PostgresApplicationSurvey(database),
        of_database(database),
        PostgresLedgerConnections(database),
        PostgresOutbox(database, bodies),
        PostgresPullStates(database),
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
def routes(storage: Storage) -> Routes:
    return storage.routes


@pytest.fixture
def witness(storage: Storage) -> QueueWitness:
    return storage.witness


@pytest.fixture
def pull_states(storage: Storage) -> PullStates:
    return storage.pull_states


@pytest.fixture
def takeovers(storage: Storage) -> Takeovers:
    return storage.takeovers


@pytest.fixture
def handovers(storage: Storage) -> Handovers:
    return storage.handovers


@pytest.fixture
def handover_records(storage: Storage) -> HandoverRecords:
    return storage.handover_records


@pytest.fixture
def applications(storage: Storage) -> Applications:
    return storage.applications


@pytest.fixture
def outbox(storage: Storage) -> Outbox:
    return storage.outbox


@pytest.fixture
def application_survey(storage: Storage) -> ApplicationSurvey:
    return storage.application_survey


@pytest.fixture
def pass_time(storage: Storage) -> PassTime:
    return storage.pass_time


@pytest.fixture
def without(storage: Storage) -> Without:
    return storage.without


@pytest.fixture
async def claimed(registry: MailboxRegistry, folder_syncs: FolderSyncs) -> FolderSync:
    """The folder sync of the one folder of a mailbox, claimed at noon."""
    await registry.add(microsoft_mailbox())
    return await claim_one(folder_syncs, NOON)
