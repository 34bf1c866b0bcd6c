"""The API on adapters in memory, with everything that a test wants to look at or break."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from litestar import Litestar
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from postroom.adapters.memory.notification_tokens import InMemoryNotificationTokenVerifier
from prometheus_client.parser import text_string_to_metric_families

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import HealthCheck, PushVerifier, SubscribedFolder, Unauthenticated
from postroom.domain.account import Account, Secret
from postroom.domain.failure import Failure
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from postroom.domain.pointer import PointerJob
from postroom.domain.subscription import Subscription
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.observed import observed_ingest
from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.subscribing import a_subscription, subscribe

SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
APPLICATION = "8e460676-ae3f-4b1e-8790-ee0fb5d6148f"
CLIENT_STATE = "state-that-nobody-guesses"
PUSH_SUBSCRIPTION = "projects/acme/subscriptions/postroom"
PUSHER = "pusher@acme.iam.gserviceaccount.com"
GOOGLE_TOKEN = "header.payload.signature"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
API_TOKEN = "token-of-acme"
ADDED = datetime(2029, 12, 1, tzinfo=UTC)


def microsoft_mailbox(*, tenant: str = "acme", name: str = "support", paused: str = "") -> Mailbox:
    account = MicrosoftAccount(
        directory="contoso",
        client_id=APPLICATION,
        credentials=ClientSecret(Secret("hush")),
        user="support",
    )
    return _mailbox(tenant, name, account, paused)


def google_mailbox(*, tenant: str = "acme", name: str = "sales", paused: str = "") -> Mailbox:
    account = GoogleAccount(
        service_account=Secret("{}"),
        pubsub_subscription=PUSH_SUBSCRIPTION,
        push_service_account=PUSHER,
    )
    return _mailbox(tenant, name, account, paused)


def imap_mailbox(*, tenant: str = "acme", name: str = "post", paused: str = "") -> Mailbox:
    account = ImapAccount(host="mail.example", port=993, username="u", password=Secret("p"))
    return _mailbox(tenant, name, account, paused)


def _mailbox(tenant: str, name: str, account: Account, paused: str) -> Mailbox:
    return Mailbox(
        tenant=tenant,
        id=name,
        address=f"{name}@{tenant}.example",
        account=account,
        added_at=ADDED,
        paused=Pause(PausedBy.OPERATOR, paused, ADDED) if paused else None,
    )


class WatchedQueue(InMemoryPointerQueue):
    """Keeps in *jobs* what it was given, or raises *failure* (if set: for one mailbox only)."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.jobs: list[PointerJob] = []
        self.failure: Exception | None = None
        self.fails_for = ""

    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        if self.failure and self.fails_for in ("", jobs[0].mailbox):
            raise self.failure
        new = await super().enqueue(jobs)
        self.jobs += [job for job in jobs if job.id in new]
        return new


@dataclass
class CountingRegistry(InMemoryMailboxRegistry):
    """A registry that counts how often it is asked."""

    database: InMemoryDatabase
    asked: int = 0
    failure: Failure | None = None

    def __post_init__(self) -> None:
        super().__init__(self.database)

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        self._ask()
        return await super().get(tenant, mailbox_id)

    async def of_push(self, subscription: str, address: str) -> Mailbox | None:
        self._ask()
        return await super().of_push(subscription, address)

    def _ask(self) -> None:
        self.asked += 1
        if self.failure:
            raise self.failure


@dataclass
class CountingFolderSyncs(InMemoryFolderSyncs):
    """Keeps in *queries* for whom it was asked, and in *requests* what was; or it fails."""

    database: InMemoryDatabase
    queries: list[Sequence[str]] = field(default_factory=list)
    requests: list[tuple[str, Request]] = field(default_factory=list)
    failure: Exception | None = None

    def __post_init__(self) -> None:
        super().__init__(self.database)

    async def subscribed_folders(
        self, subscription_ids: Sequence[str]
    ) -> Mapping[str, SubscribedFolder]:
        self.queries.append(subscription_ids)
        if self.failure:
            raise self.failure
        return await super().subscribed_folders(subscription_ids)

    async def request(self, subscription_id: str, request: Request, now: datetime) -> bool:
        if self.failure:
            raise self.failure
        self.requests.append((subscription_id, request))
        return await super().request(subscription_id, request, now)


@dataclass
class FakeVerifier(PushVerifier):
    """Knows one token, of *email*."""

    email: str = PUSHER
    failure: Failure | None = None

    async def __call__(self, token: str) -> str:
        if self.failure:
            raise self.failure
        if token != GOOGLE_TOKEN:
            raise Unauthenticated("the signature is wrong")
        return self.email


@dataclass(kw_only=True)
class Rig:
    """*spans* and `notifications()` are what was told."""

    clock: ManualClock
    telemetry: Telemetry
    spans: InMemorySpanExporter
    database: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    verifier: FakeVerifier = field(default_factory=FakeVerifier)
    blobs: InMemoryBlobStore = field(default_factory=InMemoryBlobStore)
    health: list[HealthCheck] = field(default_factory=list)
    notification_tokens: InMemoryNotificationTokenVerifier = field(
        default_factory=InMemoryNotificationTokenVerifier
    )
    registry: CountingRegistry = field(init=False)
    folder_syncs: CountingFolderSyncs = field(init=False)
    queue: WatchedQueue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = WatchedQueue(self.clock)
        self.registry = CountingRegistry(self.database)
        self.folder_syncs = CountingFolderSyncs(self.database)
        self.helpdesk = InMemoryHelpdesk(self.database)
        self.outcomes = InMemoryOutcomes(self.database)

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
            registry=self.registry,
            folder_syncs=self.folder_syncs,
            verify_push=self.verifier,
            verify_notification=self.notification_tokens,
            queue=self.queue,
            outcomes=self.outcomes,
            helpdesk=self.helpdesk,
            blobs=self.blobs,
            clock=self.clock,
            health=self.health,
            telemetry=self.telemetry,
            api_tokens={API_TOKEN: "acme", "token-of-globex": "globex"},
            handoff_secrets={"acme": SECRET},
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


@contextmanager
def open_rig(clock: ManualClock) -> Iterator[Rig]:
    spans = InMemorySpanExporter()
    with open_telemetry(span_processors=[SimpleSpanProcessor(spans)]) as telemetry:
        yield Rig(clock=clock, telemetry=telemetry, spans=spans)


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem details in *response*, which must be some, in the shape of RFC 9457."""
    assert response.headers["content-type"].startswith("application/problem+json")
    told: dict[str, Any] = json.loads(response.content)
    assert told["status"] == response.status_code
    assert told["type"].startswith("urn:postroom:problem:")
    assert told["title"]
    assert told["detail"]
    return told


async def raw_post(app: Litestar, path: str, *, query: str = "", chunks: Sequence[bytes]) -> int:
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
        "headers": [],
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
