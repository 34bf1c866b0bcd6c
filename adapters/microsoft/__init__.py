"""Microsoft 365 through Microsoft Graph (httpx), signed in to through Entra ID (msal)."""

from collections.abc import Sequence
from dataclasses import replace

import httpx

from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.http.server_skew import ServerSkew
from postroom.adapters.microsoft.account import (
    OPTIONS,
    MicrosoftAccount,
    MicrosoftAccounts,
    describe,
)
from postroom.adapters.microsoft.changes import GraphChanges
from postroom.adapters.microsoft.check import GraphMailboxCheck
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.device import EntraDeviceSignIn
from postroom.adapters.microsoft.entra import GRAPH_URL, LOGIN_URL, EntraId
from postroom.adapters.microsoft.fetcher import GraphFetcher
from postroom.adapters.microsoft.notification_tokens import GraphNotificationTokenVerifier
from postroom.adapters.microsoft.notifications import GraphNotificationReader
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.microsoft.subscriptions import GraphSubscriptions
from postroom.adapters.microsoft.tokens import EntraTokens
from postroom.application.ports import Provider
from postroom.domain.account import Account
from postroom.domain.mail.trusted_servers import TrustedServers

__all__ = ["NAME", "OPTIONS", "provider"]

NAME = MicrosoftPointer.provider

EXCHANGE = TrustedServers(topmost=True)
"""It writes no id into its Authentication-Results, and its field is above all others."""


def provider(
    deps: ProviderDeps, *, graph_url: str = GRAPH_URL, login_url: str = LOGIN_URL
) -> Provider:
    """Raises ValueError unless *login_url* is https."""
    http, clock = deps.http, deps.clock
    entra = EntraId(http, clock, deps.sign_ins, login_url=login_url, graph_url=graph_url)
    skew = ServerSkew(httpx.URL(graph_url).host, deps.skewed)
    tokens = EntraTokens(entra, deps.registry, clock)
    graph = GraphClient(http, tokens, clock, graph_url, downloads=deps.downloads, skew=skew)
    # Without a registry: what is tried is not stored yet, and opens the mailbox as it is given.
    trying = replace(graph, tokens=EntraTokens(entra, None, clock))
    verify = GraphNotificationTokenVerifier(http, clock, login_url=login_url)
    return Provider(
        name=NAME,
        title="Microsoft 365",
        account=MicrosoftAccount,
        pointer=MicrosoftPointer,
        options=OPTIONS,
        accounts=MicrosoftAccounts(),
        fetcher=GraphFetcher(graph, clock, deps.max_message_bytes),
        changes=GraphChanges(graph),
        check=GraphMailboxCheck(trying),
        sign_in=EntraDeviceSignIn(entra, clock),
        subscriptions=GraphSubscriptions(graph, clock, deps.public_url),
        notifications=GraphNotificationReader(verify),
        describe=describe,
        sources=lambda account: _sources(account, graph, entra),
        trusted_servers=lambda _: EXCHANGE,
    )


def _sources(account: Account, graph: GraphClient, entra: EntraId) -> Sequence[str]:
    if not isinstance(account, MicrosoftAccount):
        return ()
    return graph.host, entra.authority(account.directory)
