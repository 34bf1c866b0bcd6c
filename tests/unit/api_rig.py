"""The API on adapters in memory, with everything that a test wants to look at or break."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
from litestar import Litestar
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.routes import InMemoryRoutes
from postroom.adapters.memory.witness import InMemoryQueueWitness
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import HealthCheck, Provider, Route
from postroom.application.providers import Providers
from postroom.domain.account import Account, Secret
from postroom.domain.failure import Failure
from postroom.domain.folder_sync import Request
from postroom.domain.handover.content_token import ContentTokens
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from postroom.domain.pointer import PointerJob
from postroom.domain.subscription import Subscription
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.observed import observed_ingest
from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests import toy_provider
from tests.provider_deps import provider_deps
from tests.subscribing import a_subscription, subscribe
from tests.toy_provider import ToyAccount, ToyServer

SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
CLIENT_STATE = "state-that-nobody-guesses"
API_TOKEN = "token-of-acme"
ADDED = datetime(2029, 12, 1, tzinfo=UTC)
LEASE = timedelta(minutes=1)
TOKENS = ContentTokens([b"0" * 32])
NO_HEADERS: Mapping[str, str] = {}


def toy_mailbox(*, tenant: str = "acme", name: str = "support", paused: str = "") -> Mailbox:
    account = ToyAccount(region="north", user=name, token=Secret("hush"))
    return mailbox_with(account, tenant=tenant, name=name, paused=paused)


def mailbox_with(account: Account, *, tenant: str, name: str, paused: str) -> Mailbox:
    return Mailbox(
        tenant=tenant,
        id=name,
        address=f"{name}@{tenant}.example",
        account=account,
        added_at=ADDED,
        paused=Pause(PausedBy.OPERATOR, paused, ADDED) if paused else None,
    )


class WatchedQueue(InMemoryPointerQueue):
    """Keeps in *jobs* what it was given, or raises *failure* (if set: for one mailbox only).

    While it *hangs*, it does neither.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.jobs: list[PointerJob] = []
        self.failure: Exception | None = None
        self.fails_for = ""
        self.hangs = False

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure and self.fails_for in ("", jobs[0].mailbox):
            raise self.failure
        new = await super().enqueue(jobs)
        self.jobs += [job for job in jobs if job.id in new]
        return new


@dataclass
class CountingRoutes(InMemoryRoutes):
    """Keeps in *queries* what it was asked for, or raises *failure*, or *hangs*."""

    database: InMemoryDatabase
    queries: list[Sequence[str]] = field(default_factory=list)
    failure: Failure | None = None
    hangs: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.database)

    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        self.queries.append(keys)
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return await super().find(keys)


@dataclass
class CountingFolderSyncs(InMemoryFolderSyncs):
    """Keeps in *requests* what was requested of subscriptions, or raises *failure*, or *hangs*."""

    database: InMemoryDatabase
    requests: list[tuple[str, Request]] = field(default_factory=list)
    failure: Failure | None = None
    hangs: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.database)

    async def request_by_subscription(
        self, subscription_id: str, request: Request, now: datetime
    ) -> bool:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        self.requests.append((subscription_id, request))
        return await super().request_by_subscription(subscription_id, request, now)


@dataclass(kw_only=True)
class Rig:
    """*spans* and `notifications()` are what is observed. *providers* has the toy one alone."""

    clock: ManualClock
    telemetry: Telemetry
    spans: InMemorySpanExporter
    database: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    server: ToyServer = field(default_factory=ToyServer)
    blobs: InMemoryBlobStore = field(default_factory=InMemoryBlobStore)
    health: list[HealthCheck] = field(default_factory=list)
    providers: Providers = field(init=False)
    registry: InMemoryMailboxRegistry = field(init=False)
    routes: CountingRoutes = field(init=False)
    folder_syncs: CountingFolderSyncs = field(init=False)
    queue: WatchedQueue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = WatchedQueue(self.clock)
        self.registry = InMemoryMailboxRegistry(self.database)
        self.routes = CountingRoutes(self.database)
        self.folder_syncs = CountingFolderSyncs(self.database)
        self.helpdesk = InMemoryHelpdesk(self.database)
        self.outcomes = InMemoryOutcomes(self.database)
        self.applications = InMemoryApplications(self.database)
        self.handovers = InMemoryHandovers(self.database, self.clock)
        self.handover_records = InMemoryHandoverRecords(self.database, self.clock)
        self.witness = InMemoryQueueWitness(self.database, self.clock)
        self.providers = Providers([self.toy])

    @property
    def toy(self) -> Provider:
        return toy_provider.provider(provider_deps(self.clock, self.registry), server=self.server)

    async def subscribe(
        self,
        mailbox: Mailbox,
        *,
        subscription_id: str = SUBSCRIPTION,
        client_state: str = CLIENT_STATE,
    ) -> Subscription:
        """Add *mailbox*, whose one folder is subscribed to."""
        await self.registry.add(mailbox)
        now = self.clock.now()
        subscription = a_subscription(subscription_id, client_state, now)
        await subscribe(self.folder_syncs, mailbox, subscription, now)
        return subscription

    def services(self) -> Services:
        ingest = IngestPointer(self.queue, self.clock)
        return Services(
            ingest=observed_ingest(ingest, self.telemetry),
            providers=self.providers,
            routes=self.routes,
            registry=self.registry,
            folder_syncs=self.folder_syncs,
            queue=self.queue,
            witness=self.witness,
            outcomes=self.outcomes,
            applications=self.applications,
            handovers=self.handovers,
            handover_records=self.handover_records,
            open_links=OpenLinks(self.handover_records, self.applications, TOKENS, self.clock),
            read_content=ReadContent(self.blobs, AtOnce()),
            helpdesk=self.helpdesk,
            blobs=self.blobs,
            clock=self.clock,
            health=self.health,
            telemetry=self.telemetry,
            api_tokens={API_TOKEN: "acme", "token-of-globex": "globex"},
        )

    def app(self) -> Litestar:
        return create_app(self.services())

    @property
    def jobs(self) -> list[PointerJob]:
        return self.queue.jobs

    def notifications(self) -> dict[str, int]:
        """How many notifications were counted, by result."""
        families = text_string_to_metric_families(self.telemetry.exposition().decode())
        return {
            sample.labels["result"]: int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "postroom_notifications_total"
        }


AnyRig = TypeVar("AnyRig", bound=Rig)


@contextmanager
def open_rig(clock: ManualClock) -> Iterator[Rig]:
    with opened(Rig, clock) as rig:
        yield rig


@contextmanager
def opened(kind: type[AnyRig], clock: ManualClock) -> Iterator[AnyRig]:
    spans = InMemorySpanExporter()
    with open_telemetry(span_processors=[SimpleSpanProcessor(spans)]) as telemetry:
        yield kind(clock=clock, telemetry=telemetry, spans=spans)


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem details in *response*, which must be some, in the shape of RFC 9457."""
    assert response.headers["content-type"].startswith("application/problem+json")
    told: dict[str, Any] = json.loads(response.content)
    assert told["status"] == response.status_code
    assert told["type"].startswith("urn:postroom:problem:")
    assert told["title"]
    assert told["detail"]
    return told


async def raw_post(
    app: Litestar,
    path: str,
    *,
    query: str = "",
    chunks: Sequence[bytes],
    headers: Mapping[str, str] = NO_HEADERS,
) -> int:
    """Post past the test client, which sends no long URL and no body in chunks; the status."""
    more = [True] * (len(chunks) - 1) + [False]
    events: Iterator[dict[str, Any]] = iter(
        {"type": "http.request", "body": chunk, "more_body": follows}
        for chunk, follows in zip(chunks, more, strict=True)
    )
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(events)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "http_version": "1.1",
        "scheme": "http",
        "client": None,
        "server": None,
        "root_path": "",
    }
    as_asgi: Any = app
    await as_asgi(scope, receive, send)
    status: int = sent[0]["status"]
    return status
