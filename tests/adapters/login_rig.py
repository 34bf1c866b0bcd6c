"""What the tests of sign-ins share: the emulator's login, reached over TLS by the real msal.

The login runs in the event loop of the test, so a sign-in that blocked the loop would never end.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.microsoft.account import MicrosoftCredentials
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.device import EntraDeviceSignIn
from postroom.adapters.microsoft.entra import EntraId
from postroom.adapters.microsoft.tokens import EntraTokens
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.graph import GraphEmulator
from postroom.entrypoints.emulators.loopback import serve
from tests.adapters.graph_rig import ACCOUNT, USER, a_mailbox, an_emulator
from tests.threads import sign_ins

PERSON = "clerk@example.org"
"""Who signs in, where the mailbox is another's and shared with them."""


def opened_by(credentials: MicrosoftCredentials) -> Mailbox:
    """The mailbox of the tests, with other credentials."""
    return a_mailbox(account=replace(ACCOUNT, credentials=credentials))


@dataclass
class Login:
    """The emulator's login as it is reached over the network, and the registry of all workers."""

    graph: GraphEmulator
    url: str
    http: httpx.AsyncClient
    clock: ManualClock
    registry: InMemoryMailboxRegistry = field(
        default_factory=lambda: InMemoryMailboxRegistry(InMemoryDatabase())
    )

    def entra(self, deadline: timedelta = timedelta(seconds=30)) -> EntraId:
        return EntraId(
            self.http,
            self.clock,
            sign_ins(self.clock),
            login_url=self.url,
            graph_url=self.url,
            deadline=deadline,
        )

    def tokens(self, deadline: timedelta = timedelta(seconds=30)) -> EntraTokens:
        """Those of one worker."""
        return EntraTokens(self.entra(deadline), self.registry, self.clock)

    def device(self) -> EntraDeviceSignIn:
        return EntraDeviceSignIn(self.entra(), self.clock)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[GraphClient]:
        """Of the emulated Graph, with tokens from its login."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.graph.app)) as http:
            yield GraphClient(http, self.tokens(), self.clock, self.url)


@asynccontextmanager
async def login_rig(clock: ManualClock, certificate: Path) -> AsyncIterator[Login]:
    async with an_emulator(clock) as graph, serve(graph.app, certificate=certificate) as url:
        graph.share(USER, PERSON)
        trust = ssl.create_default_context(cafile=certificate)
        async with httpx.AsyncClient(verify=trust) as http:
            yield Login(graph, url, http, clock)
            graph.release()
