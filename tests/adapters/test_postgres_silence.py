"""A PostgreSQL that is connected and says nothing: stopped, or behind a proxy that has lost it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from postroom.adapters.postgres.connection import Timeouts
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.health import PostgresHealth
from postroom.domain.failure import StoreUnavailable, Unavailable
from tests.tcp_proxy import Proxy

MOMENT = timedelta(milliseconds=200)
LONG = timedelta(hours=1)
PATIENT = Timeouts(pool=LONG, connect=LONG, answer=LONG, transaction=LONG, block=LONG)


@pytest.fixture
async def proxy(conninfo: str) -> AsyncIterator[Proxy]:
    server = conninfo_to_dict(conninfo)
    socket = Path(str(server["host"])) / f".s.PGSQL.{server.get('port') or 5432}"
    async with Proxy(socket) as proxy:
        yield proxy


def through(proxy: Proxy, conninfo: str, timeouts: Timeouts, *, max_size: int = 1) -> Database:
    url = make_conninfo(conninfo, host="127.0.0.1", port=proxy.port)
    return Database(url, max_size=max_size, timeouts=timeouts)


async def work(database: Database) -> None:
    async with database.transaction("acme") as connection:
        await connection.execute("SELECT 1")


async def statements_of_ours(conninfo: str) -> int:
    """How many statements the server works on, or waits with, for the connections under test."""
    async with await psycopg.AsyncConnection.connect(
        make_conninfo(conninfo, application_name="test"), autocommit=True
    ) as connection:
        rows = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'postroom'"
            " AND state = 'active' AND datname = current_database()"
        )
        row = await rows.fetchone()
    assert row
    return int(row[0])


async def test_a_server_that_does_not_answer_is_not_waited_for(proxy: Proxy, conninfo: str) -> None:
    hasty = Timeouts(pool=MOMENT, connect=MOMENT, answer=MOMENT, transaction=LONG)
    async with through(proxy, conninfo, hasty) as database:
        await work(database)
        proxy.is_silent = True

        with pytest.raises(Unavailable):
            await work(database)
        await proxy.heal()


async def test_nor_is_one_that_falls_silent_within_a_transaction(
    proxy: Proxy, conninfo: str
) -> None:
    hasty = Timeouts(answer=MOMENT, transaction=LONG)
    async with through(proxy, conninfo, hasty) as database:
        with pytest.raises(Unavailable, match="the database does not answer"):
            await fall_silent_within_a_transaction(database, proxy)


async def fall_silent_within_a_transaction(database: Database, proxy: Proxy) -> None:
    async with database.transaction("acme") as connection:
        proxy.is_silent = True
        await connection.execute("SELECT 1")


async def test_nor_one_that_does_not_say_that_it_has_committed(proxy: Proxy, conninfo: str) -> None:
    hasty = Timeouts(answer=MOMENT, block=LONG)
    async with through(proxy, conninfo, hasty) as database:
        with pytest.raises(Unavailable, match="the database does not answer"):
            async with database.ledger_block("acme"):
                proxy.is_silent = True


async def test_a_transaction_of_many_short_statements_has_its_time(conninfo: str) -> None:
    hasty = Timeouts(answer=LONG, transaction=MOMENT)
    async with Database(conninfo, timeouts=hasty) as database:
        with pytest.raises(Unavailable, match="took too long"):
            await work_without_end(database)


async def work_without_end(database: Database) -> None:
    async with database.transaction("acme") as connection:
        while True:
            await connection.execute("SELECT 1")


async def test_so_has_a_block_that_waits_for_something_else(conninfo: str) -> None:
    hasty = Timeouts(block=MOMENT)
    async with Database(conninfo, timeouts=hasty) as database:
        with pytest.raises(Unavailable, match="took too long"):
            async with database.ledger_block("acme"):
                await asyncio.Event().wait()

        await work(database)


async def test_what_a_block_itself_waits_for_in_vain_is_no_failure_of_the_database(
    database: Database,
) -> None:
    with pytest.raises(TimeoutError):
        async with database.ledger_block("acme"):
            raise TimeoutError


async def test_who_is_cancelled_leaves_at_once_though_the_server_is_silent(
    proxy: Proxy, conninfo: str
) -> None:
    async with through(proxy, conninfo, PATIENT) as database:
        await work(database)
        proxy.is_silent = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(MOMENT.total_seconds()):
                await work(database)


async def test_what_the_cancelled_had_the_server_do_it_stops_doing(
    conninfo: str, database: Database
) -> None:
    async def sleep() -> None:
        async with database.transaction("acme") as connection:
            await connection.execute("SELECT pg_sleep(3600)")

    sleeping = asyncio.create_task(sleep())
    async with asyncio.timeout(10):
        while not await statements_of_ours(conninfo):  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.01)
    sleeping.cancel()
    await asyncio.wait([sleeping])

    assert sleeping.cancelled()
    assert await statements_of_ours(conninfo) == 0
    await work(database)


async def test_when_the_server_speaks_again_all_connections_are_made_anew(
    proxy: Proxy, conninfo: str
) -> None:
    hasty = Timeouts(pool=MOMENT, connect=MOMENT, answer=MOMENT)
    async with through(proxy, conninfo, hasty, max_size=5) as database:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(work(database))
        proxy.is_silent = True
        results = await asyncio.gather(*(work(database) for _ in range(5)), return_exceptions=True)
        await proxy.heal()

        assert {type(result) for result in results} == {StoreUnavailable}
        async with asyncio.timeout(10):
            await until_it_works(database)
        await asyncio.gather(*(work(database) for _ in range(5)))


async def until_it_works(database: Database) -> None:
    while True:
        try:
            return await work(database)
        except Unavailable:
            pass


async def test_a_health_check_that_is_given_up_holds_nobody_up(proxy: Proxy, conninfo: str) -> None:
    async with through(proxy, conninfo, PATIENT) as database:
        await PostgresHealth(database)()
        proxy.is_silent = True

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(MOMENT.total_seconds()):
                await PostgresHealth(database)()
