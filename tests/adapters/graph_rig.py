"""What the tests of the Microsoft adapter share: an emulated Graph, and a fetcher of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.fetcher import MAX_MESSAGE_BYTES, GraphFetcher
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.microsoft.subscriptions import GraphSubscriptions
from postroom.adapters.microsoft.tokens import AccessTokens
from postroom.application.ports import FetchedMessage
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from postroom.entrypoints.emulators.loopback import serve
from tests.adapters.line import Line
from tests.emulators.graph_rig import SubscribedFolder

USER = "support@example.org"
PUBLIC_URL = "https://postroom.example"
LONG = timedelta(minutes=1)
HEAD = b"Received: from a by b; Mon, 31 Dec 2029 23:58:00 +0100\r\n"
RAW = HEAD + b"Message-ID: <one@example.org>\r\nSubject: Hello\r\n\r\nA letter.\r\n"

ACCOUNT = MicrosoftAccount(
    directory=DIRECTORY,
    client_id=CLIENT_ID,
    credentials=ClientSecret(Secret(CLIENT_SECRET)),
    user=USER,
)


class EmulatorTokens(AccessTokens):
    """Valid tokens, without a login, in the name of *person* if any; *issued* counts them."""

    def __init__(self, graph: GraphEmulator, person: str = "") -> None:
        self.issued = 0
        self._person = person
        self._graph = graph
        self._token = ""

    async def get(self, _: Mailbox, *, rejected: str = "") -> str:
        if self._token == rejected:
            self.issued += 1
            self._token = self._graph.issue_token(user=self._person)
        return self._token


def a_mailbox(user: str = USER, account: MicrosoftAccount = ACCOUNT) -> Mailbox:
    return Mailbox(
        tenant="acme",
        id="support",
        address=USER,
        account=replace(account, user=user),
        added_at=datetime(2029, 12, 1, tzinfo=UTC),
    )


@dataclass
class Rig:
    """A *graph* and, on a *line*, a *client* of it, in process; `remote` gives one over TCP.

    The *subscribed_folder* is whoever Graph calls.
    """

    graph: GraphEmulator
    tokens: EmulatorTokens
    client: GraphClient
    clock: ManualClock
    subscribed_folder: SubscribedFolder
    line: Line

    async def fetch(
        self, message_id: str, *, user: str = USER, max_message_bytes: int = MAX_MESSAGE_BYTES
    ) -> FetchedMessage:
        fetcher = GraphFetcher(self.client, self.clock, max_message_bytes)
        return await fetcher.fetch(a_mailbox(user), MicrosoftPointer("s", message_id))

    def subscriptions(self, public_url: str = PUBLIC_URL) -> GraphSubscriptions:
        return GraphSubscriptions(self.client, self.clock, public_url)


@asynccontextmanager
async def graph_rig(clock: ManualClock) -> AsyncIterator[Rig]:
    subscribed_folder = SubscribedFolder()
    async with an_emulator(clock, subscribed_folder) as graph:
        tokens, line = EmulatorTokens(graph), Line(httpx.ASGITransport(graph.app))
        async with httpx.AsyncClient(transport=line) as http:
            client = GraphClient(http, tokens, clock, "http://graph.test")
            yield Rig(graph, tokens, client, clock, subscribed_folder, line)


@asynccontextmanager
async def remote(rig: Rig, **limits: timedelta) -> AsyncIterator[Rig]:
    """The same Graph over TCP, with other *limits* of the client: a `timeout`, or a `deadline`."""
    timeout, deadline = limits.get("timeout", LONG), limits.get("deadline", LONG)
    async with serve(rig.graph.app) as url, httpx.AsyncClient() as http:
        client = GraphClient(http, rig.tokens, rig.clock, url, timeout=timeout, deadline=deadline)
        yield replace(rig, client=client)
        rig.graph.release()


@asynccontextmanager
async def an_emulator(
    clock: ManualClock, subscribed_folder: SubscribedFolder | None = None
) -> AsyncIterator[GraphEmulator]:
    """A Graph that calls the *subscribed_folder*, and that nobody subscribes to without one."""
    respond = subscribed_folder or (lambda _: httpx.Response(404))
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as callbacks:
        yield GraphEmulator(clock, callbacks)
