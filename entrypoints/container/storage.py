"""Redis, PostgreSQL and the blobs, in their ports."""

import punq

from postroom.adapters.blobs.files import FileBlobStore
from postroom.adapters.crypto import FernetCipher
from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.helpdesk import PostgresHelpdesk
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.adapters.redis.partitions import redis_queue
from postroom.adapters.redis.servers import Servers
from postroom.adapters.redis.wire import WireFormat
from postroom.application.ports import (
    BlobStore,
    FolderSyncs,
    Helpdesk,
    HtmlSanitiser,
    IdempotencyLedger,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
    Routes,
)
from postroom.entrypoints.container.provider_types import ProviderTypes
from postroom.entrypoints.settings import Settings


def open_database(settings: Settings) -> Database:
    # A job in work holds one connection; a few more serve whoever only looks.
    return Database(settings.database_url, max_size=settings.concurrency + 4)


def bind_queue(
    container: punq.Container, settings: Settings, redis: Servers, types: ProviderTypes
) -> None:
    queue: PointerQueue = redis_queue(
        redis,
        WireFormat(types.pointers),
        partitions=settings.redis_partitions,
        cap=settings.lane_concurrency,
    )
    container.register(PointerQueue, instance=queue)


def bind_storage(
    container: punq.Container, settings: Settings, database: Database, types: ProviderTypes
) -> None:
    cipher = FernetCipher([key.get_secret_value() for key in settings.secret_keys])
    registry: MailboxRegistry = PostgresMailboxRegistry(database, cipher, types.accounts)
    ledger: IdempotencyLedger = PostgresIdempotencyLedger(database)
    folder_syncs: FolderSyncs = PostgresFolderSyncs(database)
    routes: Routes = PostgresRoutes(database)
    outcomes: Outcomes = PostgresOutcomes(database, types.pointers)
    helpdesk: Helpdesk = PostgresHelpdesk(database)
    blobs: BlobStore = FileBlobStore(settings.home / "blobs")
    sanitiser: HtmlSanitiser = Nh3Sanitiser()
    container.register(MailboxRegistry, instance=registry)
    container.register(IdempotencyLedger, instance=ledger)
    container.register(FolderSyncs, instance=folder_syncs)
    container.register(Routes, instance=routes)
    container.register(Outcomes, instance=outcomes)
    container.register(Helpdesk, instance=helpdesk)
    container.register(BlobStore, instance=blobs)
    container.register(HtmlSanitiser, instance=sanitiser)
