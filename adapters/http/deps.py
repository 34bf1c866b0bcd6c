"""What every provider is made of."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx

from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.http.server_skew import Skewed, ignored
from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import Clock, MailboxRegistry


@dataclass(frozen=True, kw_only=True)
class ProviderDeps:
    """*sign_ins* is for libraries that block. *resources* closes what a provider opens.

    *public_url* is where the internet reaches our webhooks (empty: nowhere). *max_message_bytes* is
    what a message may have; *downloads* is how it may come. *skewed* is called where a server's
    clock and ours are apart.
    """

    http: httpx.AsyncClient
    sign_ins: SignIns
    clock: Clock
    registry: MailboxRegistry
    resources: AsyncExitStack
    public_url: str
    max_message_bytes: int
    downloads: DownloadLimits = field(default_factory=DownloadLimits)
    skewed: Skewed = ignored
