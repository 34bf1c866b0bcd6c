"""What every provider is made of."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx

from postroom.adapters.http.server_skew import Skewed, ignored
from postroom.application.ports import Clock, MailboxRegistry


@dataclass(frozen=True, kw_only=True)
class ProviderDeps:
    """*blocking_http* is for libraries that block. *resources* closes what a provider opens.

    *public_url* is where the internet reaches our webhooks (empty: nowhere). *max_message_bytes* is
    what a message may have. *skewed* is called where a server's clock and ours are apart.
    """

    http: httpx.AsyncClient
    blocking_http: httpx.Client
    clock: Clock
    registry: MailboxRegistry
    resources: AsyncExitStack
    public_url: str
    max_message_bytes: int
    skewed: Skewed = ignored
