"""Connections that the fetcher keeps, and what happens when they break."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.fetcher import ImapFetcher
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.imap.pool import ConnectionPool
from postroom.application.ports import FetchedMessage
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.entrypoints.emulators.imap_server import ImapServer
from tests.adapters.imap_rig import AT_ONCE, HASTY, PASSWORD, account, mailbox
from tests.emulators.scripted_imap import HANG_UP, scripted_imap

MAIL = b"Subject: Hello\r\n\r\nHello\r\n"


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer({"ann": PASSWORD, "ben": PASSWORD}) as server:
        server.deliver("ann", MAIL)
        server.deliver("ben", MAIL)
        yield server


@pytest.fixture
async def pool() -> AsyncIterator[ConnectionPool]:
    pool = ConnectionPool(ImapClient())
    yield pool
    await pool.aclose()


async def fetch(pool: ConnectionPool, server: ImapServer, user: str = "ann") -> FetchedMessage:
    validity = server.folders[user]["INBOX"].uid_validity
    of = mailbox(account(server.port, username=user))
    return await ImapFetcher(pool).fetch(of, ImapPointer("INBOX", 1, validity))


async def test_one_connection_does_for_many_fetches(
    server: ImapServer, pool: ConnectionPool
) -> None:
    for _ in range(3):
        await fetch(pool, server)

    assert server.connections == 1


async def test_fetches_at_once_share_a_few_connections(
    server: ImapServer, pool: ConnectionPool
) -> None:
    fetched = await asyncio.gather(*(fetch(pool, server) for _ in range(20)))

    assert [each.raw for each in fetched] == [MAIL] * 20
    assert server.connections == pool.size


async def test_each_account_has_its_own_connections(
    server: ImapServer, pool: ConnectionPool
) -> None:
    await fetch(pool, server, "ann")
    await fetch(pool, server, "ben")

    assert server.connections == 2


async def test_a_refusal_leaves_the_connection_in_use(
    server: ImapServer, pool: ConnectionPool
) -> None:
    with pytest.raises(AccessFailed):
        await ImapFetcher(pool).fetch(mailbox(account(server.port)), ImapPointer("Missing", 1, 1))
    await fetch(pool, server)

    assert server.connections == 1


async def test_a_connection_that_broke_while_it_lay_idle_is_replaced(
    server: ImapServer, pool: ConnectionPool
) -> None:
    await fetch(pool, server)
    server.drop()

    assert (await fetch(pool, server)).raw == MAIL
    assert server.connections == 2


async def test_a_connection_that_breaks_in_a_fetch_is_replaced_once(pool: ConnectionPool) -> None:
    async with asyncio.timeout(AT_ONCE), scripted_imap({"EXAMINE": [HANG_UP]}) as script:
        with pytest.raises(Unavailable):
            await ImapFetcher(pool).fetch(mailbox(account(script.port)), ImapPointer("INBOX", 1, 1))

        assert script.connections == 2


async def test_all_that_lay_idle_is_replaced_with_a_connection_that_broke(
    server: ImapServer, pool: ConnectionPool
) -> None:
    """What ended one, a restart perhaps, has likely ended all."""
    await asyncio.gather(*(fetch(pool, server) for _ in range(3)))
    async with pool.borrow(account(server.port), fresh=True):
        pass
    await fetch(pool, server)

    assert server.connections == 4


async def test_a_server_that_does_not_answer_is_not_asked_twice(server: ImapServer) -> None:
    server.slow["EXAMINE"] = 60
    pool = ConnectionPool(ImapClient(timeout=HASTY))

    with pytest.raises(Unavailable, match="in time"):
        await fetch(pool, server)
    assert server.connections == 1
    server.slow.clear()
    await fetch(pool, server)
    assert server.connections == 2
    await pool.aclose()


async def test_a_connection_that_nobody_uses_is_closed(server: ImapServer) -> None:
    pool = ConnectionPool(ImapClient(), idle_for=timedelta(milliseconds=20))
    async with pool.borrow(account(server.port)) as connection:
        pass

    async with asyncio.timeout(AT_ONCE):
        await connection.protocol.lost.wait()
    await fetch(pool, server)
    assert server.connections == 2
    await pool.aclose()


async def test_a_connection_in_use_is_not_closed_for_having_lain_idle(server: ImapServer) -> None:
    pool = ConnectionPool(ImapClient(), idle_for=timedelta(milliseconds=20))
    async with pool.borrow(account(server.port)):
        pass
    async with pool.borrow(account(server.port)) as connection:
        await asyncio.sleep(0.05)

        assert connection.is_open
    assert server.connections == 1
    await pool.aclose()


async def test_whoever_waits_too_long_for_a_turn_is_told(server: ImapServer) -> None:
    pool = ConnectionPool(ImapClient(), size=1, patience=timedelta(milliseconds=20))
    async with pool.borrow(account(server.port)):
        with pytest.raises(Unavailable, match="busy"):
            await fetch(pool, server)
        assert (await fetch(pool, server, "ben")).raw == MAIL

    assert (await fetch(pool, server)).raw == MAIL
    await pool.aclose()


async def test_a_closed_pool_leaves_no_connection(server: ImapServer, pool: ConnectionPool) -> None:
    async with pool.borrow(account(server.port)) as connection:
        pass
    await pool.aclose()

    assert connection.protocol.lost.is_set()
