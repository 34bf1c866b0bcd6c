"""Redis, PostgreSQL and the blobs, in their ports."""

import punq

from adapters.blobs.files import FileBlobStore
from adapters.crypto import FernetCipher
from adapters.html.sanitiser import Nh3Sanitiser
from adapters.postgres.cursors import PostgresCursors
from adapters.postgres.database import Database
from adapters.postgres.helpdesk import PostgresHelpdesk
from adapters.postgres.ledger import PostgresIdempotencyLedger
from adapters.postgres.outcomes import PostgresOutcomes
from adapters.postgres.receptions import PostgresReceptions
from adapters.postgres.registry import PostgresMailboxRegistry
from adapters.redis.connection import Servers
from adapters.redis.partitions import redis_queue
from application.ports import (
    BlobStore,
    Clock,
    Cursors,
    Helpdesk,
    HtmlSanitiser,
    IdempotencyLedger,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
    Receptions,
)
from entrypoints.settings import Settings


def open_database(settings: Settings) -> Database:
    # A job in work holds one connection; a few more serve whoever only looks.
    return Database(settings.database_url, max_size=settings.concurrency + 4)


def bind_queue(container: punq.Container, settings: Settings, redis: Servers) -> None:
    queue: PointerQueue = redis_queue(
        redis, partitions=settings.redis_partitions, cap=settings.lane_concurrency
    )
    container.register(PointerQueue, instance=queue)


def bind_storage(
    container: punq.Container, settings: Settings, database: Database, clock: Clock
) -> None:
    cipher = FernetCipher([key.get_secret_value() for key in settings.secret_keys])
    registry: MailboxRegistry = PostgresMailboxRegistry(database, cipher)
    ledger: IdempotencyLedger = PostgresIdempotencyLedger(database)
    receptions: Receptions = PostgresReceptions(database)
    outcomes: Outcomes = PostgresOutcomes(database)
    cursors: Cursors = PostgresCursors(database, clock)
    helpdesk: Helpdesk = PostgresHelpdesk(database)
    blobs: BlobStore = FileBlobStore(settings.home / "blobs")
    sanitiser: HtmlSanitiser = Nh3Sanitiser()
    container.register(MailboxRegistry, instance=registry)
    container.register(IdempotencyLedger, instance=ledger)
    container.register(Receptions, instance=receptions)
    container.register(Outcomes, instance=outcomes)
    container.register(Cursors, instance=cursors)
    container.register(Helpdesk, instance=helpdesk)
    container.register(BlobStore, instance=blobs)
    container.register(HtmlSanitiser, instance=sanitiser)
