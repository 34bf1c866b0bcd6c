"""IMAP's provider as the core gets it: whole, with connections of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx
import pytest

from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.http.standard_webhooks import InvalidSecret
from postroom.adapters.imap import provider
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.providers import Providers
from postroom.domain.failure import Unprocessable
from postroom.domain.mail.trusted_servers import NOBODY, TrustedServers
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.imap_rig import PASSWORD, account, mailbox
from tests.threads import sign_ins

MAIL = b"Subject: Hello\r\n\r\nHello\r\n"


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD}) as server:
        yield server


@pytest.fixture
async def deps(clock: ManualClock) -> AsyncIterator[ProviderDeps]:
    async with httpx.AsyncClient() as http, AsyncExitStack() as resources:
        yield ProviderDeps(
            http=http,
            sign_ins=sign_ins(clock),
            clock=clock,
            registry=InMemoryMailboxRegistry(InMemoryDatabase()),
            resources=resources,
            public_url="",
            max_message_bytes=1024,
        )


async def test_it_can_stand_among_the_providers(deps: ProviderDeps) -> None:
    imap = provider(deps, handoff_secrets={})

    assert list(Providers([imap])) == ["imap"]
    assert imap.title == "IMAP"
    assert imap.listener


async def test_it_fetches_what_it_has_listed_on_one_connection(
    deps: ProviderDeps, server: ImapServer
) -> None:
    imap, of = provider(deps, handoff_secrets={}), mailbox(account(server.port))
    position = await imap.changes.position(of, "INBOX")
    server.deliver("ann", MAIL)

    [page] = [page async for page in imap.changes.since(of, "INBOX", position)]
    [arrival] = page.arrivals

    assert (await imap.fetcher.fetch(of, arrival.pointer)).raw == MAIL
    assert server.connections == 1


async def test_a_message_over_the_limit_is_not_fetched(
    deps: ProviderDeps, server: ImapServer
) -> None:
    imap, of = provider(deps, handoff_secrets={}), mailbox(account(server.port))
    position = await imap.changes.position(of, "INBOX")
    server.deliver("ann", b"x" * 1025)
    [page] = [page async for page in imap.changes.since(of, "INBOX", position)]

    with pytest.raises(Unprocessable, match="more than 1024"):
        await imap.fetcher.fetch(of, page.arrivals[0].pointer)


async def test_its_connections_end_with_the_resources(
    deps: ProviderDeps, server: ImapServer
) -> None:
    imap, of = provider(deps, handoff_secrets={}), mailbox(account(server.port))
    await imap.changes.position(of, "INBOX")

    await deps.resources.aclose()

    assert server.seen[-1] == "LOGOUT"


async def test_a_hand_off_secret_that_is_none_is_refused(deps: ProviderDeps) -> None:
    with pytest.raises(InvalidSecret, match="POSTROOM_HANDOFF_SECRETS"):
        provider(deps, handoff_secrets={"acme": "whsec_short"})


async def test_of_servers_that_authenticate_it_trusts_those_of_the_mailboxs_own(
    deps: ProviderDeps,
) -> None:
    ours = TrustedServers(ids=frozenset({"mx.acme.example"}))
    imap = provider(deps, handoff_secrets={}, trusted={"imap.acme.example": ours})

    hosts = ("IMAP.acme.example", "imap.globex.example")
    trusted = [imap.trusted_servers(replace(account(143), host=host)) for host in hosts]

    assert trusted == [ours, NOBODY]
