"""The connection to a user's database: lost before or in a commit, silent, shared, and idle."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from postroom.adapters.inbox_table.caller import InboxTableCaller
from postroom.adapters.inbox_table.connection import Connection
from postroom.adapters.inbox_table.table import Progress, insert
from postroom.domain.handover.answer import Answer, Done, Duplicate, Failed, Unreachable
from postroom.domain.handover.application import Application
from tests.inbox_tables import inbox, inbox_database, messages, rows, run, with_options
from tests.tcp_proxy import Proxy

SECOND = timedelta(seconds=1)


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    with inbox_database(database_url) as url:
        yield url


@pytest.fixture
async def caller() -> AsyncIterator[InboxTableCaller]:
    async with InboxTableCaller() as caller:
        yield caller


async def test_a_database_that_was_started_anew_is_connected_to_again(
    caller: InboxTableCaller, url: str
) -> None:
    await caller.call(inbox(url), messages(1))
    run(url, _HANG_UP_ON_US)

    assert await caller.call(inbox(url), messages(2)) == [Duplicate(), Done()]


_HANG_UP_ON_US = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'postroom' AND datname = current_database()"
)


async def test_calls_take_turns_on_one_connection(caller: InboxTableCaller, url: str) -> None:
    await asyncio.gather(*(caller.call(inbox(url), messages(n)) for n in range(1, 9)))

    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'postroom'"
    assert rows(url, f"{ours} AND datname = current_database()") == [(1,)]


async def test_a_connection_that_nobody_uses_is_closed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.adapters.inbox_table.connection.IDLE_FOR", 0)
    async with InboxTableCaller() as caller:
        await caller.call(inbox(url), messages(1))
        (line,) = caller._connections._lines.values()
        await until(lambda: line.connection is None)

        assert await caller.call(inbox(url), messages(2)) == [Duplicate(), Done()]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nothing says when
        await asyncio.sleep(0)


class Cutting(Proxy):
    """Breaks the connection when *word* has been sent through it, before any answer to that."""

    word = b""

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.is_silent:
                continue
            writer.write(data)
            await writer.drain()
            if self.word and self.word in data:
                self.word = b""
                raise ConnectionResetError
        writer.close()


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Cutting]:
    server = conninfo_to_dict(url)
    path = Path(str(server["host"])) / f".s.PGSQL.{server.get('port') or 5432}"
    async with Cutting(path) as proxy:
        yield proxy


def through(proxy: Proxy, url: str) -> Application:
    return inbox(with_options(url, host="127.0.0.1", port=str(proxy.port)))


async def call_and_cut(
    caller: InboxTableCaller, proxy: Cutting, url: str, word: bytes
) -> Sequence[Answer]:
    assert isinstance(await caller.ping(through(proxy, url)), Done)
    proxy.word = word
    return await caller.call(through(proxy, url), messages(2))


async def test_when_the_commit_was_sent_the_end_is_not_known(
    caller: InboxTableCaller, proxy: Cutting, url: str
) -> None:
    answers = await call_and_cut(caller, proxy, url, b"COMMIT")

    reason = "the connection was lost as the row was committed"
    assert answers == [Failed(reason=reason, sure=False)] * 2
    again = await caller.call(through(proxy, url), messages(2))
    assert again == [Duplicate(), Duplicate()]


async def test_what_cannot_be_committed_is_not_taken_for_done(url: str) -> None:
    """psycopg leaves a transaction without an error if its connection is gone by then."""

    class Lost(Connection):
        async def execute(self, query: Any, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
            result = await super().execute(query, *rest, **options)
            if str(query).startswith("NOTIFY"):
                self.pgconn.finish()
            return result

    connection = await Lost.connect(url, autocommit=True)
    with pytest.raises(psycopg.OperationalError):
        await insert(connection, messages(1), SECOND, Progress())


async def test_before_that_it_is_surely_not_there(
    caller: InboxTableCaller, proxy: Cutting, url: str
) -> None:
    answers = await call_and_cut(caller, proxy, url, b"INSERT INTO")

    reason = "the connection to the database was lost (OperationalError)"
    assert answers == [Failed(reason=reason, sure=True)] * 2
    assert await caller.call(through(proxy, url), messages(2)) == [Done(), Done()]


async def test_a_server_that_falls_silent_is_given_up_in_time(
    caller: InboxTableCaller, proxy: Cutting, url: str
) -> None:
    hasty = replace(through(proxy, url), timeout=SECOND)
    assert await caller.call(hasty, messages(1)) == [Done()]
    proxy.is_silent = True

    answers = await caller.call(hasty, messages(2))

    reason = "no connection to the database in time: it is not reached, or is too slow"
    assert answers == [Unreachable(reason=reason)] * 2
    await proxy.heal()
    assert await caller.call(hasty, messages(2)) == [Duplicate(), Done()]


async def test_what_waits_for_the_connection_is_given_up_in_time(
    caller: InboxTableCaller, url: str
) -> None:
    hasty = inbox(url, timeout=SECOND)
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE postroom_inbox")
        answers = await asyncio.gather(*(caller.call(hasty, messages(1)) for _ in range(3)))

    assert answers[0] == [Failed(reason="the database took too long", sure=True)]
    assert [type(answer) for (answer,) in answers[1:]] == [Unreachable, Unreachable]
    assert await caller.call(hasty, messages(1)) == [Done()]
