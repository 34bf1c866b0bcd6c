"""The providers of the story: the release's own emulators, and its own adapters in front of them.

No address of this machine comes to be stored: each adapter is reached in process, or translates.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from adapters.by_provider import FetchByProvider
from adapters.google.client import GmailClient
from adapters.google.fetcher import GmailFetcher
from adapters.google.history import GmailHistory
from adapters.google.push import GooglePushVerifier
from adapters.imap.client import ImapClient
from adapters.imap.fetcher import ImapFetcher
from adapters.imap.folders import ImapFolders
from adapters.imap.pool import ConnectionPool
from adapters.microsoft.changes import GraphChanges
from adapters.microsoft.client import GraphClient
from adapters.microsoft.device import EntraDeviceSignIn
from adapters.microsoft.entra import EntraId
from adapters.microsoft.fetcher import GraphFetcher
from adapters.microsoft.subscriptions import GraphSubscriptions
from adapters.microsoft.tokens import EntraTokens
from application.ports import (
    Clock,
    FetchedMessage,
    FolderSession,
    MailboxRegistry,
    MailFolders,
    MessageFetcher,
)
from domain.mailbox import Mailbox, Security
from domain.pointer import Pointer
from tests.emulators.gmail import GmailEmulator, PushSubscription
from tests.emulators.graph import GraphEmulator
from tests.emulators.imap_server import ImapServer
from tests.emulators.loopback import HOST, issue_certificate, serve

PUBLIC_URL = "https://postroom.example"
PUSH_URL = f"{PUBLIC_URL}/webhooks/google"
GMAIL_URL = "https://gmail.googleapis.com"
MESSAGE_LIMIT = 10_000  # bytes: so a message that is too large need not be large


class Gate(httpx.ASGITransport):
    """The way from the providers to our webhooks; *app* is set as soon as there is one."""

    is_open = True

    def __init__(self) -> None:
        super().__init__(app=None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.is_open:
            return httpx.Response(502)
        return await super().handle_async_request(request)


@dataclass(frozen=True)
class ImapHere(MailFolders, MessageFetcher):
    """Finds every IMAP account at *server*, whatever host it names."""

    server: ImapServer
    folders: ImapFolders
    fetcher: ImapFetcher

    def open(self, mailbox: Mailbox, folder: str) -> AbstractAsyncContextManager[FolderSession]:
        return self.folders.open(self._here(mailbox), folder)

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        return await self.fetcher.fetch(self._here(mailbox), pointer)

    def _here(self, mailbox: Mailbox) -> Mailbox:
        here = {"host": HOST, "port": self.server.port, "security": Security.NONE}
        return replace(mailbox, account=replace(mailbox.account, **here))


@dataclass(frozen=True, kw_only=True)
class Providers:
    gate: Gate
    graph: GraphEmulator
    gmail: GmailEmulator
    pushing: PushSubscription
    imap: ImapServer
    folders: ImapHere
    fetcher: FetchByProvider
    history: GmailHistory
    changes: GraphChanges
    subscriptions: GraphSubscriptions
    device: EntraDeviceSignIn
    verify_push: GooglePushVerifier


@asynccontextmanager
async def providers(
    clock: Clock, registry: MailboxRegistry, imap_users: dict[str, str], home: Path
) -> AsyncIterator[Providers]:
    async with AsyncExitStack() as resources:
        enter, gate = resources.enter_async_context, Gate()
        calls = await enter(httpx.AsyncClient(transport=gate))
        graph, gmail = GraphEmulator(clock, calls), GmailEmulator(calls, clock)
        entra = await _entra(resources, graph, clock, home)
        at_graph = await enter(httpx.AsyncClient(transport=httpx.ASGITransport(graph.app)))
        at_gmail = await enter(httpx.AsyncClient(transport=gmail.transport()))
        graph_client = GraphClient(at_graph, EntraTokens(entra, registry, clock), clock)
        gmail_client = GmailClient(at_gmail, clock, GMAIL_URL)
        imap, pool = await enter(ImapServer(imap_users, clock=clock)), ConnectionPool(ImapClient())
        resources.push_async_callback(pool.aclose)
        here = ImapHere(imap, ImapFolders(ImapClient()), ImapFetcher(pool, MESSAGE_LIMIT))
        yield Providers(
            gate=gate,
            graph=graph,
            gmail=gmail,
            pushing=PushSubscription(endpoint=PUSH_URL),
            imap=imap,
            folders=here,
            fetcher=FetchByProvider(
                microsoft=GraphFetcher(graph_client, clock, MESSAGE_LIMIT),
                google=GmailFetcher(gmail_client, MESSAGE_LIMIT),
                imap=here,
            ),
            history=GmailHistory(gmail_client),
            changes=GraphChanges(graph_client),
            subscriptions=GraphSubscriptions(graph_client, clock, PUBLIC_URL),
            device=EntraDeviceSignIn(entra, clock),
            verify_push=GooglePushVerifier(
                at_gmail, clock, audience=PUSH_URL, certs_url=f"{GMAIL_URL}/oauth2/v1/certs"
            ),
        )


async def _entra(
    resources: AsyncExitStack, graph: GraphEmulator, clock: Clock, home: Path
) -> EntraId:
    """The login is served over TLS: msal sends no secret in the clear."""
    certificate = issue_certificate(home / "login.pem")
    url = await resources.enter_async_context(serve(graph.app, certificate=certificate))
    trust = ssl.create_default_context(cafile=certificate)
    http = resources.enter_context(httpx.Client(verify=trust))
    return EntraId(http, clock, login_url=url)
