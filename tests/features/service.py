"""The test driver: Postroom, with hands to deliver mail, send notifications, break things and
look.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from itertools import count
from uuid import uuid4

import httpx
from postroom.adapters.memory.folders import InMemoryMailFolders
from postroom.adapters.memory.history import InMemoryMailboxHistory
from postroom.adapters.memory.notification_tokens import InMemoryNotificationTokenVerifier
from postroom.adapters.memory.push import InMemoryPushVerifier
from postroom.application.resolve_history import ResolveHistory
from postroom.application.watch_folder import CatchUpFolder

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.fetcher import InMemoryMessages, source_of
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.consume_job import ConsumeJob
from postroom.application.file_message import FileMessage
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import (
    Claim,
    EmailProcessor,
    FetchedMessage,
    IdempotencyLedger,
    OutcomeRecord,
)
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.track_access import TrackAccess
from postroom.domain.dead_letter import DeadLetter, DeadLetterFilter
from postroom.domain.helpdesk.ticket import Ticket
from postroom.domain.identity import MessageIdentity
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed
from postroom.domain.pointer import Pointer
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.sdk import open_telemetry
from tests.features.providers import (
    HANDOFF_SECRET,
    PUSH_IDENTITY,
    PUSH_TOKEN,
    Request,
    account,
    client_state,
    notification,
    subscription_id,
)
from tests.features.rigs import Rig
from tests.subscribing import a_subscription, subscribe

LEASE = timedelta(seconds=30)


class Died(BaseException):
    """The worker's process is gone: no `except Exception` sees it."""


@dataclass
class Service:
    """*tenant* is one of its own, so that scenarios can share a database."""

    rig: Rig
    tenant: str = field(default_factory=lambda: f"t{uuid4().hex[:12]}")
    messages: InMemoryMessages = field(default_factory=InMemoryMessages)
    history: InMemoryMailboxHistory = field(default_factory=InMemoryMailboxHistory)
    folders: InMemoryMailFolders = field(default_factory=InMemoryMailFolders)
    blobs: InMemoryBlobStore = field(default_factory=InMemoryBlobStore)
    uid_validity: int = 1
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.queue = self.rig.queue
        self.ingest = IngestPointer(self.queue, self.rig.clock)
        self.file = FileMessage(self.rig.helpdesk, self.blobs, Nh3Sanitiser())
        self.listen = CatchUpFolder(self.rig.cursors, self.ingest)
        self.dead_letters = RedriveDeadLetters(self.queue, self.rig.clock)
        self.resume = ResumeMailbox(self.rig.registry, self.queue)
        self.access = TrackAccess(self.rig.registry, self.queue, self.resume, self.rig.clock)
        self.consume = ConsumeJob(
            queue=self.queue,
            registry=self.rig.registry,
            fetcher=self.messages,
            resolve_history=ResolveHistory(self.history, self.rig.cursors, self.ingest),
            ledger=self.rig.ledger,
            process=self.file,
            outcomes=self.rig.outcomes,
            access=self.access,
            clock=self.rig.clock,
            policy=RetryPolicy(),
        )

    # --- Mailboxes and mail ---

    async def add_mailbox(self, provider: str) -> Mailbox:
        name = f"{provider.lower()}{next(self._numbers)}"
        mailbox = self.mailbox(provider, f"{self.tenant}.{name}", id_=name)
        await self.rig.registry.add(mailbox)
        if mailbox.provider == "microsoft":
            now = self.rig.clock.now()
            subscription = a_subscription(subscription_id(mailbox), client_state(mailbox), now)
            await subscribe(self.rig.folder_syncs, mailbox, subscription, now)
        return mailbox

    def mailbox(self, provider: str, name: str, *, id_: str) -> Mailbox:
        return Mailbox(
            tenant=self.tenant,
            id=id_,
            address=f"{name}@example.test",
            account=account(provider, name=name),
            added_at=self.rig.clock.now(),
        )

    def deliver(self, mailbox: Mailbox, raw: bytes) -> Pointer:
        """Put a message into the mailbox; returns the pointer that the provider announces."""
        number, now = next(self._numbers), self.rig.clock.now()
        match mailbox.provider:
            case "microsoft":
                pointer: Pointer = MicrosoftPointer(subscription_id(mailbox), f"m{number}")
                source = source_of(pointer)
            case "google":
                history_id = self.history.receive(mailbox, f"g{number}", now)
                pointer = GooglePointer(history_id, mailbox.address, pubsub_message_id="1")
                source = f"google:g{number}"
            case "imap":
                uid = self.folders.deliver(mailbox, now)
                pointer = ImapPointer("INBOX", uid, self.uid_validity)
                source = source_of(pointer)
        self.messages.put(FetchedMessage(source, raw, now))
        return pointer

    def rebuild_folder(self, mailbox: Mailbox) -> None:
        """The IMAP server gives the messages of the folder other UIDs."""
        self.folders.rebuild(mailbox)
        self.uid_validity += 1
        for uid, message in enumerate(list(self.messages.messages.values()), 1):
            source = source_of(ImapPointer("INBOX", uid, self.uid_validity))
            self.messages.put(replace(message, source=source))

    # --- Notifications ---

    async def notify(self, mailbox: Mailbox, pointer: Pointer, *, genuine: bool = True) -> int:
        """The provider announces *pointer*; returns the HTTP status that it gets for an answer."""
        now = self.rig.clock.now().timestamp()
        return await self.send(notification(mailbox, pointer, now, genuine=genuine))

    async def send(self, request: Request) -> int:
        async with self._api() as client:
            return (await request.send(client)).status_code

    @asynccontextmanager
    async def _api(self) -> AsyncIterator[httpx.AsyncClient]:
        with open_telemetry() as telemetry:
            services = Services(
                ingest=self.ingest,
                registry=self.rig.registry,
                folder_syncs=self.rig.folder_syncs,
                verify_notification=InMemoryNotificationTokenVerifier(),
                verify_push=InMemoryPushVerifier({PUSH_TOKEN: PUSH_IDENTITY}),
                queue=self.queue,
                outcomes=self.rig.outcomes,
                helpdesk=self.rig.helpdesk,
                blobs=self.blobs,
                clock=self.rig.clock,
                health=(),
                telemetry=telemetry,
                api_tokens={},
                handoff_secrets={self.tenant: HANDOFF_SECRET},
            )
            # Litestar's own test client runs the application in a loop of its own.
            transport = httpx.ASGITransport(create_app(services))  # type: ignore[arg-type] # Litestar types its scope more narrowly
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield client

    async def catch_up(self, mailbox: Mailbox) -> None:
        """What the listener does when it (re)connects, and whenever the folder has news."""
        async with self.folders.open(mailbox, "INBOX") as session:
            await self.listen(mailbox, "INBOX", session)

    # --- Work ---

    async def handle_waiting(self, at_a_time: int = 10) -> None:
        """Handle all that is due now."""
        while claims := await self.queue.claim(at_a_time, LEASE):
            for claim in claims:
                await self.consume(claim)

    async def handle_everything(self) -> None:
        """Handle until nothing waits, letting the time pass that must pass."""
        await self.handle_waiting()
        while any(lane.delayed for lane in await self.queue.statistics()):
            self.rig.clock.advance(timedelta(minutes=15))
            await self.handle_waiting()

    async def die_handling(self, consume: Callable[[Claim], Awaitable[object]]) -> None:
        """A worker takes the next job, dies of it, and its lease runs out."""
        (claim,) = await self.queue.claim(1, LEASE)
        with suppress(Died):
            await consume(claim)
            raise AssertionError("the worker has not died")
        self.rig.clock.advance(LEASE + timedelta(seconds=1))

    # --- Dead letters ---

    async def redrive(self, reason: str = "") -> None:
        """Drive the dead letters again that say *reason*, and handle them meanwhile."""
        async for _ in self.dead_letters.redrive(self.dead_ones(reason)):
            await self.handle_waiting()

    async def purge(self) -> None:
        async for _ in self.dead_letters.purge(self.dead_ones()):
            pass

    async def survey(self) -> int:
        """How many a redrive would drive again."""
        *_, survey = [step async for step in self.dead_letters.survey(self.dead_ones())]
        return survey.matched

    # --- Looking ---

    async def waiting(self) -> int:
        lanes = await self.queue.statistics()
        return sum(lane.ready + lane.delayed + lane.in_flight for lane in lanes)

    async def tickets(self) -> Sequence[Ticket]:
        summaries = await self.rig.helpdesk.summaries(self.tenant)
        found = [await self.rig.helpdesk.ticket(self.tenant, s.number) for s in summaries]
        return [ticket for ticket in found if ticket]

    async def dead(self) -> Sequence[DeadLetter]:
        return (await self.queue.dead_letters(self.dead_ones())).letters

    def dead_ones(self, reason: str = "") -> DeadLetterFilter:
        return DeadLetterFilter(tenant=self.tenant, reason=reason)

    async def latest_outcome(self) -> OutcomeRecord:
        return (await self.rig.outcomes.find(self.tenant, limit=1))[0]


@dataclass(frozen=True)
class DyingLedger(IdempotencyLedger):
    """Its process dies right after the commit, before anybody hears of it."""

    ledger: IdempotencyLedger

    @asynccontextmanager
    async def once(self, mailbox: Mailbox, identity: MessageIdentity) -> AsyncIterator[bool]:
        async with self.ledger.once(mailbox, identity) as is_new:
            yield is_new
        raise Died


@dataclass(frozen=True)
class DyingProcessor(EmailProcessor):
    """Does its work, and then its process dies, before anything is committed."""

    process: EmailProcessor

    async def __call__(self, mailbox: Mailbox, inbound: InboundMessage) -> Completed:
        await self.process(mailbox, inbound)
        raise Died


def mail(
    subject: str = "A question",
    *,
    message_id: str | None = "",
    replies_to: str = "",
    text: str = "Hello!",
    attachment: str = "",
) -> bytes:
    """A message; *message_id* None leaves it without, and empty makes one up."""
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "support@example.test"
    message["Subject"] = subject
    if message_id is not None:
        message["Message-ID"] = message_id or f"<{uuid4().hex}@example.org>"
    if replies_to:
        message["In-Reply-To"] = replies_to
    message.set_content(text)
    if attachment:
        message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename=attachment)
    return message.as_bytes()
