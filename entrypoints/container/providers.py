"""Graph, Gmail and IMAP, in their ports."""

from contextlib import AsyncExitStack
from dataclasses import replace

import httpx
import punq

from postroom.adapters.by_provider import FetchByProvider
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.fetcher import GmailFetcher
from postroom.adapters.google.history import GmailHistory
from postroom.adapters.google.push import GooglePushVerifier
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.fetcher import ImapFetcher
from postroom.adapters.imap.folders import ImapFolders
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.microsoft.changes import GraphChanges
from postroom.adapters.microsoft.check import GraphMailboxCheck
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.device import EntraDeviceSignIn
from postroom.adapters.microsoft.entra import EntraId
from postroom.adapters.microsoft.fetcher import GraphFetcher
from postroom.adapters.microsoft.notification_tokens import GraphNotificationTokenVerifier
from postroom.adapters.microsoft.subscriptions import GraphSubscriptions
from postroom.adapters.microsoft.tokens import EntraTokens
from postroom.application.ports import (
    Clock,
    DeviceSignIn,
    FolderChanges,
    MailboxCheck,
    MailboxHistory,
    MailboxRegistry,
    MailFolders,
    MessageFetcher,
    NotificationTokenVerifier,
    PushVerifier,
    Subscriptions,
)
from postroom.entrypoints.settings import Settings

HTTP_TIMEOUT = httpx.Timeout(30, connect=10)
"""Seconds for each wait on the wire; the clients bound whole calls themselves."""


async def bind_providers(
    container: punq.Container, settings: Settings, clock: Clock, resources: AsyncExitStack
) -> None:
    """Needs the MailboxRegistry, and so comes after `bind_storage`."""
    http = await resources.enter_async_context(httpx.AsyncClient(http2=True, timeout=HTTP_TIMEOUT))
    imap = ImapClient()
    graph = _bind_microsoft(container, settings, clock, http, resources)
    gmail = GmailClient(http, clock, settings.gmail_url)
    connections = ConnectionPool(imap)
    resources.push_async_callback(connections.aclose)
    fetcher: MessageFetcher = FetchByProvider(
        microsoft=GraphFetcher(graph, clock, settings.max_message_bytes),
        google=GmailFetcher(gmail, settings.max_message_bytes),
        imap=ImapFetcher(connections, settings.max_message_bytes),
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
    changes: FolderChanges = GraphChanges(graph)
    subscriptions: Subscriptions = GraphSubscriptions(graph, clock, settings.public_url)
    verifier: NotificationTokenVerifier = GraphNotificationTokenVerifier(
        http, clock, login_url=settings.microsoft_login_url
    )
    container.register(FolderChanges, instance=changes)
    container.register(Subscriptions, instance=subscriptions)
    container.register(NotificationTokenVerifier, instance=verifier)
    _bind_set_up(container, entra, graph, clock)
    return graph


def _bind_set_up(
    container: punq.Container, entra: EntraId, graph: GraphClient, clock: Clock
) -> None:
    # Without a registry: what is tried is not kept yet, and opens the mailbox as it is given.
    trying = replace(graph, tokens=EntraTokens(entra, None, clock))
    check: MailboxCheck = GraphMailboxCheck(trying)
    device_sign_in: DeviceSignIn = EntraDeviceSignIn(entra, clock)
    container.register(MailboxCheck, instance=check)
    container.register(DeviceSignIn, instance=device_sign_in)
