"""The stage: Postroom as in production, and the three providers played by emulators."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import httpx

from postroom.application.ports import (
    Applications,
    Clock,
    FolderSyncs,
    HandoverRecords,
    Helpdesk,
    MailboxRegistry,
    OptionValue,
    OutcomeRecord,
    Outcomes,
    PointerQueue,
)
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.emulators.gmail import GmailEmulator, PushSubscription
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from postroom.entrypoints.emulators.imap_server import ImapServer
from postroom.entrypoints.emulators.loopback import issue_certificate, serve
from postroom.entrypoints.part_process import ProcessStart, environment_of
from postroom.entrypoints.settings import NotReady, Settings
from postroom.entrypoints.supervisor import PARTS, Supervisor

TENANT = "demo"
MICROSOFT_USER = "support@contoso.example"
GMAIL_USER = "help@example.org"
IMAP_USER = "office@example.net"
PATIENCE = 60
"""Seconds to wait for what should come."""


@dataclass(frozen=True, slots=True)
class Stage:
    """*url* is where our API is, and *home* the demo's own directory."""

    graph: GraphEmulator
    gmail: GmailEmulator
    imap: ImapServer
    supervisor: Supervisor
    http: httpx.AsyncClient
    url: str
    queue: PointerQueue
    outcomes: Outcomes
    applications: Applications
    handover_records: HandoverRecords
    registry: MailboxRegistry
    home: Path
    folder_syncs: FolderSyncs
    helpdesk: Helpdesk
    clock: Clock
    providers: Providers
    microsoft_subscription: str

    async def outcome(self, since: datetime, message: str = "", job_id: str = "") -> OutcomeRecord:
        """Wait for the first outcome of a message, or job, after *since*. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.outcomes.find(TENANT, identity=message, job_id=job_id)
                if new := [record for record in found if record.at >= since]:
                    return new[-1]
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def holding(self, mailbox: str) -> AsyncIterator[FolderSync]:
        """Nobody else syncs the one folder of *mailbox* meanwhile. Raises TimeoutError."""
        [stored] = await self.folder_syncs.all(tenant=TENANT, mailbox=mailbox)
        lease = timedelta(seconds=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while not (  # noqa: ASYNC110 - it can only be tried
                held := await self.folder_syncs.claim(
                    TENANT, mailbox, stored.folder, self.clock.now(), lease
                )
            ):
                await asyncio.sleep(0.05)
        try:
            yield held
        finally:
            await self.folder_syncs.release(held)


@asynccontextmanager
async def open_stage(settings: Settings, log: IO[bytes]) -> AsyncIterator[Stage]:
    """Start it all. *settings* are those of the engines that run; their home is the demo's own.

    The parts of Postroom write to *log*.
    """
    async with AsyncExitStack() as resources:
        enter = resources.enter_async_context
        http = await enter(httpx.AsyncClient(timeout=PATIENCE))
        wired = await enter(wire(settings))
        played = await enter(_emulators(settings, wired.clock, http))
        url = f"http://127.0.0.1:{free_port()}"
        pushing = PushSubscription(endpoint=f"{url}/webhooks/google")
        played.gmail.pubsub.create_topic(pushing.topic)
        played.gmail.pubsub.subscribe(pushing)
        await enter(played.gmail.pushing())
        await wired.registry.add(_imap_mailbox(wired, played.imap))
        await wired.registry.add(_gmail_mailbox(wired, played, pushing))
        environment = environment_of(settings) | _environment(url, played)
        supervisor = await enter(_running(environment, log))
        await _wait_until_ready(http, url)  # Graph asks it to prove itself
        await wired.registry.add(_microsoft_mailbox(wired))
        yield Stage(
            graph=played.graph,
            gmail=played.gmail,
            imap=played.imap,
            supervisor=supervisor,
            http=http,
            url=url,
            queue=wired.queue,
            outcomes=wired.outcomes,
            applications=wired.applications,
            handover_records=wired.handover_records,
            registry=wired.registry,
            home=settings.home,
            folder_syncs=wired.folder_syncs,
            helpdesk=wired.helpdesk,
            clock=wired.clock,
            providers=wired.providers,
            microsoft_subscription=await _subscribed(wired.folder_syncs),
        )


@dataclass(frozen=True, slots=True)
class _Emulators:
    """The providers, and where they are; the *certificate* is the one that Graph's URL shows."""

    graph: GraphEmulator
    graph_url: str
    certificate: Path
    gmail: GmailEmulator
    gmail_url: str
    imap: ImapServer


@asynccontextmanager
async def _emulators(
    settings: Settings, clock: Clock, http: httpx.AsyncClient
) -> AsyncIterator[_Emulators]:
    graph, gmail = GraphEmulator(clock, http), GmailEmulator(http, clock)
    graph.add_folder(MICROSOFT_USER, "Inbox/Orders")
    gmail.mailbox(GMAIL_USER)  # which is there before its first message
    certificate = issue_certificate(settings.home / "emulators.pem")
    async with (
        ImapServer({IMAP_USER: "secret"}) as imap,
        serve(graph.app, certificate=certificate) as graph_url,
        serve(gmail.app) as gmail_url,
    ):
        yield _Emulators(graph, graph_url, certificate, gmail, gmail_url, imap)


def _environment(url: str, played: _Emulators) -> dict[str, str]:
    """Point Postroom at the emulators."""
    return {
        "POSTROOM_PORT": url.rpartition(":")[2],
        "POSTROOM_PUBLIC_URL": url,
        "POSTROOM_GRAPH_URL": played.graph_url,
        "POSTROOM_MICROSOFT_LOGIN_URL": played.graph_url,
        "POSTROOM_GMAIL_URL": played.gmail_url,
        "POSTROOM_GOOGLE_CERTS_URL": f"{played.gmail_url}/oauth2/v1/certs",
        "SSL_CERT_FILE": str(played.certificate),
    }


@asynccontextmanager
async def _running(environment: dict[str, str], log: IO[bytes]) -> AsyncIterator[Supervisor]:
    stop = asyncio.Event()
    supervisor = Supervisor(PARTS, ProcessStart(environment, log))
    running = asyncio.create_task(supervisor.run(stop))
    try:
        yield supervisor
    finally:
        stop.set()
        await running


async def _wait_until_ready(http: httpx.AsyncClient, url: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _is_ready(http, url):  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise NotReady("Postroom did not become ready; see postroom.log in its home") from None


async def _is_ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/health/ready")).is_success
    except httpx.TransportError:
        return False


async def _subscribed(folder_syncs: FolderSyncs) -> str:
    """The subscription that maintenance has made, and looked after, by now."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                [folder_sync] = await folder_syncs.all(tenant=TENANT, mailbox="support")
                if folder_sync.subscription and folder_sync.synced_at:
                    return folder_sync.subscription.id
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise NotReady("Graph was not subscribed to; see postroom.log in its home") from None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _imap_mailbox(wired: Wired, imap: ImapServer) -> Mailbox:
    return _mailbox(
        wired,
        "imap",
        "office",
        IMAP_USER,
        {
            "host": "127.0.0.1",
            "port": str(imap.port),
            "security": "none",
            "password": Secret("secret"),
        },
    )


def _gmail_mailbox(wired: Wired, played: _Emulators, pushing: PushSubscription) -> Mailbox:
    return _mailbox(
        wired,
        "google",
        "help",
        GMAIL_USER,
        {
            "service-account": Secret(played.gmail.service_account_key(played.gmail_url)),
            "pubsub-subscription": pushing.name,
            "push-service-account": pushing.identity,
            "pubsub-topic": pushing.topic,
        },
    )


def _microsoft_mailbox(wired: Wired) -> Mailbox:
    return _mailbox(
        wired,
        "microsoft",
        "support",
        MICROSOFT_USER,
        {
            "directory": DIRECTORY,
            "client-id": CLIENT_ID,
            "client-secret": Secret(CLIENT_SECRET),
        },
    )


def _mailbox(
    wired: Wired, provider: str, id_: str, address: str, options: Mapping[str, OptionValue]
) -> Mailbox:
    return Mailbox(
        tenant=TENANT,
        id=id_,
        address=address,
        account=wired.providers[provider].accounts.create(address, options),
        added_at=wired.clock.now(),
    )
