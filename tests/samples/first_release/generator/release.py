"""The release before, on real servers, as its container wires it.

Only its clock is not the host's: that stands still unless the story lets time pass, and the queue
is as late as it is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.blobs.files import FileBlobStore
from adapters.clock import SystemClock
from adapters.crypto import FernetCipher
from adapters.html.sanitiser import Nh3Sanitiser
from adapters.memory.clock import ManualClock
from adapters.memory.notice_tokens import InMemoryNoticeTokenVerifier
from adapters.postgres.cursors import PostgresCursors
from adapters.postgres.database import Database
from adapters.postgres.helpdesk import PostgresHelpdesk
from adapters.postgres.ledger import PostgresIdempotencyLedger
from adapters.postgres.migrations import migrate
from adapters.postgres.outcomes import PostgresOutcomes
from adapters.postgres.receptions import PostgresReceptions
from adapters.postgres.registry import PostgresMailboxRegistry
from adapters.redis.connection import Servers, open_redis
from adapters.redis.partition_count import PartitionCountHealth
from adapters.redis.partitions import redis_queue
from application.access import KeepAccess
from application.consume_job import ConsumeJob
from application.file_message import FileMessage
from application.ingest_pointer import IngestPointer
from application.keep_receiving import KeepReceiving
from application.reconcile import ReconcileFolder
from application.redrive import RedriveDeadLetters
from application.remove_mailbox import RemoveMailbox
from application.resolve_history import ResolveHistory
from application.resume_mailbox import ResumeMailbox
from application.resync_mailbox import ResyncMailbox
from application.watch_folder import CatchUpFolder
from domain.mailbox import ImapAccount
from domain.reception import Pace
from domain.retry import RetryPolicy
from entrypoints.api.app import create_app
from entrypoints.api.services import Services
from entrypoints.maintenance import HOLD
from entrypoints.telemetry.observed import observed_ingest
from entrypoints.telemetry.sdk import Telemetry, open_telemetry
from providers import Providers, providers

START = datetime(2026, 11, 25, 9, tzinfo=UTC)
LEASE = timedelta(seconds=5)  # that of entrypoints/worker.py
MINUTE = timedelta(minutes=1)


@dataclass
class Release:
    clock: ManualClock
    servers: Servers
    database: Database
    registry: PostgresMailboxRegistry
    providers: Providers
    telemetry: Telemetry
    home: Path

    def __post_init__(self) -> None:
        clock, database, registry = self.clock, self.database, self.registry
        self.queue = redis_queue(self.servers, ahead=lambda: clock.now() - SystemClock().now())
        self.receptions = PostgresReceptions(database)
        self.outcomes = PostgresOutcomes(database)
        self.helpdesk = PostgresHelpdesk(database)
        self.blobs = FileBlobStore(self.home / "blobs")
        cursors = PostgresCursors(database, clock)
        self.ingest = observed_ingest(IngestPointer(self.queue, clock), self.telemetry)
        self.catch_up = CatchUpFolder(cursors, self.ingest)
        self.redrive = RedriveDeadLetters(self.queue, clock)
        self.resync = ResyncMailbox(self.receptions, cursors, clock)
        self.remove = RemoveMailbox(
            registry, self.receptions, self.providers.subscriptions, self.queue
        )
        access = KeepAccess(registry, self.queue, ResumeMailbox(registry, self.queue), clock)
        self.keep = KeepReceiving(
            registry=registry,
            receptions=self.receptions,
            subscriptions=self.providers.subscriptions,
            reconcile=ReconcileFolder(
                self.providers.changes, cursors, self.outcomes, self.ingest, clock
            ),
            access=access,
            clock=clock,
            pace=Pace(),
        )
        self.consume = ConsumeJob(
            queue=self.queue,
            registry=registry,
            fetcher=self.providers.fetcher,
            resolve_history=ResolveHistory(self.providers.history, cursors, self.ingest),
            ledger=PostgresIdempotencyLedger(database),
            process=FileMessage(self.helpdesk, self.blobs, Nh3Sanitiser()),
            outcomes=self.outcomes,
            access=access,
            clock=clock,
            policy=RetryPolicy(draw=lambda: 0.5),
        )
        self.providers.gate.app = create_app(self._services())

    def _services(self) -> Services:
        return Services(
            ingest=self.ingest,
            registry=self.registry,
            receptions=self.receptions,
            verify_push=self.providers.verify_push,
            verify_notice=InMemoryNoticeTokenVerifier(),
            queue=self.queue,
            outcomes=self.outcomes,
            helpdesk=self.helpdesk,
            blobs=self.blobs,
            clock=self.clock,
            health=(),
            telemetry=self.telemetry,
            api_tokens={},
            handoff_secrets={},
        )

    # --- What its processes do ---

    async def work(self) -> None:
        """Handle all jobs that are due."""
        while claims := await self.queue.claim(1, LEASE):
            for claim in claims:
                await self.consume(claim)

    async def rounds(self) -> None:
        """All rounds that are due, and those that they make due."""
        while due := await self.receptions.take_due(self.clock.now(), 8, HOLD):
            for reception in due:
                await self.keep(reception)

    async def listen(self) -> None:
        """Look into every IMAP folder."""
        for mailbox in await self.registry.all():
            if isinstance(mailbox.account, ImapAccount):
                for folder in mailbox.account.folders:
                    async with self.providers.folders.open(mailbox, folder) as session:
                        await self.catch_up(mailbox, folder, session)

    async def pass_minutes(self, number: int) -> None:
        for _ in range(number):
            self.clock.advance(MINUTE)
            await self.listen()
            await self.rounds()
            await self.work()


@asynccontextmanager
async def running(
    redis_url: str, database_url: str, key: str, imap_users: dict[str, str], home: Path
) -> AsyncIterator[Release]:
    await migrate(database_url)
    clock = ManualClock(START)
    async with open_redis(redis_url) as servers, Database(database_url) as database:
        await PartitionCountHealth(servers, 1)()
        registry = PostgresMailboxRegistry(database, FernetCipher([key]))
        async with providers(clock, registry, imap_users, home) as emulated:
            with open_telemetry() as telemetry:
                yield Release(clock, servers, database, registry, emulated, telemetry, home)
