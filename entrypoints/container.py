"""The composition root: the only module that knows which adapter fills which port.

Resources are opened before anything is wired, and closed in reverse. Each port is bound through a
local that is annotated with it: neither punq nor mypy would notice a wrong one otherwise.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import punq

from adapters.blobs.files import FileBlobStore
from adapters.by_provider import FetchByProvider
from adapters.clock import SystemClock
from adapters.crypto import FernetCipher, InvalidKey
from adapters.google.client import GmailClient
from adapters.google.fetcher import GmailFetcher
from adapters.google.history import GmailHistory
from adapters.google.push import GooglePushVerifier
from adapters.html.sanitiser import Nh3Sanitiser
from adapters.imap.client import ImapClient
from adapters.imap.fetcher import ImapFetcher
from adapters.imap.folders import ImapFolders
from adapters.imap.pool import ConnectionPool
from adapters.microsoft.changes import GraphChanges
from adapters.microsoft.client import GraphClient
from adapters.microsoft.device import EntraDeviceSignIn
from adapters.microsoft.entra import EntraId
from adapters.microsoft.fetcher import GraphFetcher
from adapters.microsoft.inspector import GraphInspector
from adapters.microsoft.notice_tokens import GraphNoticeTokenVerifier
from adapters.microsoft.subscriptions import GraphSubscriptions
from adapters.microsoft.tokens import EntraTokens
from adapters.postgres.connection import InvalidDatabaseUrl
from adapters.postgres.cursors import PostgresCursors
from adapters.postgres.database import Database
from adapters.postgres.health import MigrationsHealth, PostgresHealth
from adapters.postgres.helpdesk import PostgresHelpdesk
from adapters.postgres.ledger import PostgresIdempotencyLedger
from adapters.postgres.outcomes import PostgresOutcomes
from adapters.postgres.receptions import PostgresReceptions
from adapters.postgres.registry import PostgresMailboxRegistry
from adapters.redis.address import InvalidRedisUrl
from adapters.redis.connection import Servers, open_redis
from adapters.redis.durability import Durability, RedisHealth
from adapters.redis.partition_count import PartitionCountHealth
from adapters.redis.partitions import redis_queue
from application.access import Access, KeepAccess
from application.consume_job import ConsumeJob
from application.file_message import FileMessage
from application.ingest_pointer import Ingest, IngestPointer
from application.keep_receiving import KeepReceiving
from application.ports import (
    BlobStore,
    Clock,
    Cursors,
    DeviceSignIn,
    EmailProcessor,
    FolderChanges,
    HealthCheck,
    Helpdesk,
    HtmlSanitiser,
    IdempotencyLedger,
    MailboxHistory,
    MailboxInspector,
    MailboxRegistry,
    MailFolders,
    MessageFetcher,
    NoticeTokenVerifier,
    Outcomes,
    PointerQueue,
    PushVerifier,
    Receptions,
    Subscriptions,
)
from application.reconcile import ReconcileFolder
from application.redrive import RedriveDeadLetters
from application.remove_mailbox import RemoveMailbox
from application.remove_orphans import RemoveOrphans
from application.resolve_history import ResolveHistory
from application.resume_mailbox import ResumeMailbox
from application.resync_mailbox import ResyncMailbox
from application.watch_folder import CatchUpFolder
from domain.reception import Pace
from domain.retry import RetryPolicy
from entrypoints.settings import InvalidSettings, Settings
from entrypoints.telemetry.observed import observed_ingest
from entrypoints.telemetry.receiving import ObservedAccess
from entrypoints.telemetry.sdk import Telemetry, open_telemetry

HTTP_TIMEOUT = httpx.Timeout(30, connect=10)
"""Seconds for each wait on the wire; the clients bound whole calls themselves."""


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """All that must be well for this process to be of use."""

    checks: tuple[HealthCheck, ...]


@asynccontextmanager
async def wire(settings: Settings) -> AsyncIterator[punq.Container]:
    """Open every resource, yield a container of ports and use cases, and close it all again.

    Both URLs must be set (see `engines`). Nothing is connected yet: servers that are away show in
    the health checks, and when they are used. Raises InvalidSettings.
    """
    container = punq.Container()
    clock: Clock = SystemClock()
    container.register(Clock, instance=clock)
    async with AsyncExitStack() as resources:
        try:
            redis = await resources.enter_async_context(open_redis(settings.redis_url))
            database = await resources.enter_async_context(_database(settings))
            _bind_queue(container, settings, redis)
            _bind_storage(container, settings, database, clock)
        except InvalidRedisUrl as error:
            raise InvalidSettings(f"POSTROOM_REDIS_URL: {error}") from None
        except (InvalidDatabaseUrl, InvalidKey) as error:  # they name their setting
            raise InvalidSettings(str(error)) from None
        checks = (
            RedisHealth(redis, Durability(settings.durability)),
            PartitionCountHealth(redis, settings.redis_partitions),
            PostgresHealth(database),
            MigrationsHealth(database),
        )
        container.register(HealthChecks, instance=HealthChecks(checks))
        await _bind_providers(container, settings, clock, resources)
        telemetry = resources.enter_context(open_telemetry())
        container.register(Telemetry, instance=telemetry)
        _bind_use_cases(container, settings, clock, telemetry)
        yield container


def _database(settings: Settings) -> Database:
    # A job in work holds one connection; a few more serve whoever only looks.
    return Database(settings.database_url, max_size=settings.concurrency + 4)


def _bind_queue(container: punq.Container, settings: Settings, redis: Servers) -> None:
    queue: PointerQueue = redis_queue(
        redis, partitions=settings.redis_partitions, cap=settings.lane_concurrency
    )
    container.register(PointerQueue, instance=queue)


def _bind_storage(
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


async def _bind_providers(
    container: punq.Container, settings: Settings, clock: Clock, resources: AsyncExitStack
) -> None:
    http = await resources.enter_async_context(httpx.AsyncClient(http2=True, timeout=HTTP_TIMEOUT))
    imap = ImapClient()
    graph = _bind_microsoft(container, settings, clock, http, resources)
    gmail = GmailClient(http, clock, settings.gmail_url)
    connections = ConnectionPool(imap)
    resources.push_async_callback(connections.aclose)
    fetcher: MessageFetcher = FetchByProvider(
        microsoft=GraphFetcher(graph, clock, settings.message_limit),
        google=GmailFetcher(gmail, settings.message_limit),
        imap=ImapFetcher(connections, settings.message_limit),
    )
    history: MailboxHistory = GmailHistory(gmail)
    folders: MailFolders = ImapFolders(imap)
    verifier: PushVerifier = GooglePushVerifier(
        http,
        clock,
        audience=f"{settings.public_url}/webhooks/google",
        certs_url=settings.google_certs_url,
    )
    container.register(MessageFetcher, instance=fetcher)
    container.register(MailboxHistory, instance=history)
    container.register(MailFolders, instance=folders)
    container.register(PushVerifier, instance=verifier)


def _bind_microsoft(
    container: punq.Container,
    settings: Settings,
    clock: Clock,
    http: httpx.AsyncClient,
    resources: AsyncExitStack,
) -> GraphClient:
    entra = EntraId(
        resources.enter_context(httpx.Client(timeout=HTTP_TIMEOUT)),  # msal blocks
        clock,
        login_url=settings.microsoft_login_url,
        graph_url=settings.graph_url,
    )
    tokens = EntraTokens(entra, container.resolve(MailboxRegistry), clock)
    graph = GraphClient(http, tokens, clock, settings.graph_url)
    trying = GraphClient(http, EntraTokens(entra, None, clock), clock, settings.graph_url)
    inspector: MailboxInspector = GraphInspector(trying)
    device_sign_in: DeviceSignIn = EntraDeviceSignIn(entra, clock)
    changes: FolderChanges = GraphChanges(graph)
    subscriptions: Subscriptions = GraphSubscriptions(graph, clock, settings.public_url)
    container.register(FolderChanges, instance=changes)
    container.register(Subscriptions, instance=subscriptions)
    container.register(MailboxInspector, instance=inspector)
    verifier: NoticeTokenVerifier = GraphNoticeTokenVerifier(
        http, clock, login_url=settings.microsoft_login_url
    )
    container.register(DeviceSignIn, instance=device_sign_in)
    container.register(NoticeTokenVerifier, instance=verifier)
    return graph


def _bind_use_cases(
    container: punq.Container, settings: Settings, clock: Clock, telemetry: Telemetry
) -> None:
    policy = RetryPolicy(
        max_attempts=settings.max_attempts,
        base=timedelta(seconds=settings.retry_base_seconds),
        ceiling=timedelta(seconds=settings.retry_ceiling_seconds),
    )
    container.register(RetryPolicy, instance=policy)
    queue: PointerQueue = container.resolve(PointerQueue)
    ingest: Ingest = observed_ingest(IngestPointer(queue, clock), telemetry)
    container.register(Ingest, instance=ingest)
    container.register(ResolveHistory)
    container.register(CatchUpFolder)
    _bind_receiving(container, settings)
    container.register(EmailProcessor, FileMessage)
    container.register(ConsumeJob)
    container.register(RedriveDeadLetters)


def _bind_receiving(container: punq.Container, settings: Settings) -> None:
    pace = Pace(
        reconcile_every=timedelta(seconds=settings.reconcile_seconds),
        poll_every=timedelta(seconds=settings.poll_seconds),
    )
    container.register(Pace, instance=pace)
    container.register(ResumeMailbox)
    container.register(ResyncMailbox)
    container.register(RemoveMailbox)
    container.register(KeepAccess)
    access: Access = ObservedAccess(container.resolve(KeepAccess))
    container.register(Access, instance=access)
    container.register(ReconcileFolder)
    container.register(KeepReceiving)
    container.register(RemoveOrphans)
