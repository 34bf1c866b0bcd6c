"""Redis and PostgreSQL, in their ports."""

from collections.abc import Mapping

import punq

from postroom.adapters.crypto import FernetCipher
from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.ledger_connections import PostgresLedgerConnections
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.pull_states import PostgresPullStates
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.adapters.postgres.shadow_rows import PostgresShadowRows
from postroom.adapters.postgres.takeovers import PostgresTakeovers
from postroom.adapters.postgres.witness import PostgresQueueWitness
from postroom.adapters.redis.circuits import RedisCircuitStore
from postroom.adapters.redis.durability import Durability
from postroom.adapters.redis.heartbeat import RedisQueueHeartbeat
from postroom.adapters.redis.locks import RedisLocks
from postroom.adapters.redis.partitions import redis_queue
from postroom.adapters.redis.servers import Servers
from postroom.adapters.redis.survey import RedisQueueSurvey
from postroom.adapters.redis.wire import WireFormat
from postroom.application.mail_in_hand import MailInHand
from postroom.application.ports import (
    CircuitStore,
    DeadLetterQueue,
    FolderSyncs,
    Helpdesk,
    HtmlSanitiser,
    IdempotencyLedger,
    LanePauses,
    LedgerConnections,
    Locks,
    MailboxRegistry,
    Offload,
    Outcomes,
    PointerConsumer,
    PointerProducer,
    PointerQueue,
    PullStates,
    QueueHeartbeat,
    QueueSurvey,
    QueueWitness,
    Routes,
    ShadowRows,
    Takeovers,
)
from postroom.application.providers import Providers
from postroom.domain.account import Account
from postroom.entrypoints.container.pools import Pools
from postroom.entrypoints.settings import Settings


def open_database(settings: Settings) -> Database:
    # Far fewer than there are slots: a job holds one only while it reads or writes.
    return Database(settings.database_url, max_size=settings.database_connections)


def bind_queue(
    container: punq.Container, settings: Settings, redis: Servers, providers: Providers
) -> None:
    wire_format = WireFormat(providers.pointers)
    container.register(WireFormat, instance=wire_format)
    locks: Locks = RedisLocks(redis)
    container.register(Locks, instance=locks)
    circuits: CircuitStore = RedisCircuitStore(redis)
    container.register(CircuitStore, instance=circuits)
    queue: PointerQueue = redis_queue(
        redis,
        wire_format,
        partitions=settings.redis_partitions,
        cap=settings.lane_concurrency,
    )
    for port in (PointerQueue, PointerProducer, PointerConsumer, LanePauses, DeadLetterQueue):
        container.register(port, instance=queue)
    partitions = settings.redis_partitions
    heartbeat: QueueHeartbeat = RedisQueueHeartbeat(
        redis, partitions=partitions, durability=Durability(settings.durability)
    )
    survey: QueueSurvey = RedisQueueSurvey(redis, partitions=partitions)
    container.register(QueueHeartbeat, instance=heartbeat)
    container.register(QueueSurvey, instance=survey)


def bind_registry(
    container: punq.Container,
    settings: Settings,
    database: Database,
    accounts: Mapping[str, type[Account]],
) -> None:
    cipher = FernetCipher([key.get_secret_value() for key in settings.secret_keys])
    registry: MailboxRegistry = PostgresMailboxRegistry(database, cipher, accounts)
    container.register(MailboxRegistry, instance=registry)


def bind_storage(
    container: punq.Container, database: Database, providers: Providers, pools: Pools
) -> None:
    ledger: IdempotencyLedger = PostgresIdempotencyLedger(database)
    connections: LedgerConnections = PostgresLedgerConnections(database)
    folder_syncs: FolderSyncs = PostgresFolderSyncs(database)
    routes: Routes = PostgresRoutes(database)
    witness: QueueWitness = PostgresQueueWitness(database)
    outcomes: Outcomes = PostgresOutcomes(database, providers.pointers)
    helpdesk: Helpdesk = PostgresHelpdesk(database)
    sanitiser: HtmlSanitiser = Nh3Sanitiser()
    pull_states: PullStates = PostgresPullStates(database)
    takeovers: Takeovers = PostgresTakeovers(database, container.resolve(MailboxRegistry))
    shadow_rows: ShadowRows = PostgresShadowRows(database, takeovers)
    container.register(IdempotencyLedger, instance=ledger)
    container.register(LedgerConnections, instance=connections)
    container.register(FolderSyncs, instance=folder_syncs)
    container.register(Routes, instance=routes)
    container.register(PullStates, instance=pull_states)
    container.register(QueueWitness, instance=witness)
    container.register(Outcomes, instance=outcomes)
    container.register(Helpdesk, instance=helpdesk)
    container.register(HtmlSanitiser, instance=sanitiser)
    container.register(Takeovers, instance=takeovers)
    container.register(ShadowRows, instance=shadow_rows)
    container.register(Offload, instance=pools.offload)
    container.register(MailInHand, instance=pools.in_hand)
