"""The fetchers: in memory, and at each provider (IMAP on each server)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.pool import ConnectionPool
from postroom.adapters.memory.clock import ManualClock
from tests.adapters.gmail_rig import gmail_rig
from tests.adapters.graph_rig import graph_rig
from tests.contracts.message_fetcher.gmail import Gmail
from tests.contracts.message_fetcher.graph import Graph
from tests.contracts.message_fetcher.imap import Imap
from tests.contracts.message_fetcher.memory import InMemory
from tests.contracts.message_fetcher.stage import Stage
from tests.contracts.samples import google_mailbox, imap_mailbox, microsoft_mailbox
from tests.dovecot import IMAP_SERVERS, new_mailbox

IN_MEMORY = {
    "memory microsoft": microsoft_mailbox(),
    "memory google": google_mailbox(),
    "memory imap": imap_mailbox(),
}
PROVIDERS = ["graph", "gmail", "fake"]
SCRIPTED = [*IN_MEMORY, *PROVIDERS]
"""Those that can be made to fail: of a real server, one cannot ask that."""

STAGES = [*SCRIPTED, *(server for server in IMAP_SERVERS if server not in SCRIPTED)]


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as opened:
        yield await _stage(request.param, request, clock, opened)


async def _stage(
    name: str, request: pytest.FixtureRequest, clock: ManualClock, opened: AsyncExitStack
) -> Stage:
    match name.split():
        case ["memory", _]:
            return InMemory(IN_MEMORY[name])
        case ["graph"]:
            return Graph(await opened.enter_async_context(graph_rig(clock)))
        case ["gmail"]:
            return Gmail(await opened.enter_async_context(gmail_rig(clock)))
        case _:
            return await opened.enter_async_context(_imap(name, request))


@asynccontextmanager
async def _imap(server: str, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    connections = ConnectionPool(ImapClient())
    async with new_mailbox(server, request) as served, new_mailbox(server, request) as elsewhere:
        yield Imap(served, elsewhere, connections)
        await connections.aclose()
