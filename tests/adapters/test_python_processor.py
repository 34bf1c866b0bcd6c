"""Python processors on a real PostgreSQL: the effect and the ledger are one, whatever happens."""

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.database import Database
from postroom.application import call_processor
from postroom.application.processing import (
    ENTRY_POINTS,
    Busy,
    Done,
    Handover,
    Mail,
    Refuse,
    Result,
    Skip,
)
from postroom.domain.failure import Contended, ProcessorFailed, Throttled, Unprocessable
from postroom.domain.handover.key import handover_key
from postroom.domain.outcome import Completed, Effect, Skipped
from tests.contracts.samples import JOB
from tests.processing import (
    MAILBOX,
    Desk,
    insert,
    install_example,
    mail,
    prepare_example,
    subjects,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def tickets(conninfo: str) -> Iterator[str]:
    """A database with the table of the example."""
    prepare_example(conninfo)
    yield conninfo
    with psycopg.connect(conninfo) as connection:
        connection.execute("DROP SCHEMA tickets CASCADE")


# --- One transaction


async def test_what_it_writes_is_there_once_and_its_reference_with_it(
    tickets: str, database: Database
) -> None:
    desk = Desk(database, insert)

    assert await desk.handle(mail()) == Completed(Effect.HANDED_OVER, "1")
    assert await desk.handle(mail()) is None
    assert subjects(tickets) == ["About a"]


@pytest.mark.parametrize(
    ("where", "is_there"),
    [("in the processor", False), ("before the commit", False), ("after the commit", True)],
)
async def test_killed_it_has_left_both_or_neither(
    tickets: str, database: Database, *, where: str, is_there: bool
) -> None:
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.adapters.doomed_processor", tickets, where
    )
    async with asyncio.timeout(60):
        assert await doomed.wait() == -signal.SIGKILL
    assert subjects(tickets) == (["About a"] if is_there else [])

    again = await Desk(database, insert).handle(mail())

    assert (again is None) == is_there
    assert subjects(tickets) == ["About a"]


@pytest.mark.parametrize("error", [ValueError("ann@sender.example"), SystemError(), TimeoutError()])
async def test_what_it_wrote_before_it_failed_is_rolled_back_and_the_message_is_not_handled(
    tickets: str, database: Database, error: Exception
) -> None:
    async def process(message: Mail, handover: Handover) -> Done:
        await insert(message, handover)
        raise error

    desk = Desk(database, process)
    with pytest.raises(Contended) as raised:
        await desk.handle(mail())
    desk.process = insert
    ended = await desk.handle(mail())

    assert raised.value.reason == f"the processor tickets failed: {type(error).__name__}"
    assert isinstance(ended, Completed)
    assert subjects(tickets) == ["About a"]


async def test_what_it_skips_is_handled_and_what_it_refuses_is_not(
    tickets: str, database: Database
) -> None:
    answer: Result = Skip("a newsletter")

    async def process(message: Mail, handover: Handover) -> Result:
        await insert(message, handover)
        return answer

    desk = Desk(database, process)
    assert await desk.handle(mail("skipped")) == Skipped("a newsletter")
    answer = Refuse("no order number")
    with pytest.raises(Unprocessable, match="no order number"):
        await desk.handle(mail("refused"))

    assert subjects(tickets) == ["About skipped"]


async def test_one_that_is_busy_has_the_lane_wait(tickets: str, database: Database) -> None:
    async def process(message: Mail, handover: Handover) -> Done:
        await insert(message, handover)
        raise Busy(timedelta(hours=5))

    desk = Desk(database, process)
    with pytest.raises(Throttled) as raised:
        await desk.handle(mail())

    assert raised.value.retry_after == timedelta(hours=1)
    assert desk.failures.charged == []
    assert subjects(tickets) == []


# --- The connection comes back as it was


async def test_an_error_of_its_own_sql_is_not_an_outage_of_ours(
    tickets: str, database: Database
) -> None:
    async def process(_: Mail, handover: Handover) -> Done:
        await handover.connection.execute("SELECT * FROM tickets.nothing")
        return Done()

    with pytest.raises(Contended, match="UndefinedTable"):
        await Desk(database, process).handle(mail())


@pytest.mark.parametrize("query", ["SELECT 1/0", "COMMIT"])
async def test_it_must_leave_the_transaction_usable(
    tickets: str, database: Database, query: str
) -> None:
    async def process(_: Mail, handover: Handover) -> Done:
        with suppress(psycopg.Error):
            await handover.connection.execute(query)
        return Done()

    with pytest.raises(Contended, match="LeftUnusable"):
        await Desk(database, process).handle(mail())


async def test_a_failure_in_a_savepoint_of_its_own_is_its_own_affair(
    tickets: str, database: Database
) -> None:
    async def process(message: Mail, handover: Handover) -> Done:
        with pytest.raises(psycopg.Error):
            async with handover.connection.transaction():
                await handover.connection.execute("SELECT 1/0")
        return await insert(message, handover)

    assert isinstance(await Desk(database, process).handle(mail()), Completed)


async def test_what_it_sets_ends_with_the_call(tickets: str, database: Database) -> None:
    async def process(_: Mail, handover: Handover) -> Done:
        handover.connection.row_factory = dict_row
        await handover.connection.execute("SET LOCAL search_path TO tickets")
        await handover.connection.execute("SELECT set_config('postroom.tenant', 'globex', true)")
        return Done()

    desk = Desk(database, process)
    inbound = mail()
    call = await desk.processor.prepare(MAILBOX, inbound, JOB)
    async with desk.ledger.once(MAILBOX, inbound.identity):
        await call()
        async with database.transaction("acme") as connection:
            query = "SELECT current_setting('search_path') || current_setting('postroom.tenant')"
            found = await (await connection.execute(query)).fetchone()

    assert found == ("postroomacme",)


async def test_it_is_bound_to_the_tenant(tickets: str, database: Database) -> None:
    seen: list[tuple[object, ...]] = []

    async def process(_: Mail, handover: Handover) -> Done:
        query = "SELECT current_user::text, current_setting('postroom.tenant')"
        seen.append(await (await handover.connection.execute(query)).fetchone())
        return Done()

    await Desk(database, process).handle(mail())

    assert seen == [("postroom_app", "acme")]


# --- Time, places and threads


async def test_one_that_takes_too_long_is_stopped_and_rolled_back(
    tickets: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_processor, "LIMIT", 0.2)

    async def process(message: Mail, handover: Handover) -> Done:
        await insert(message, handover)
        await handover.connection.execute("SELECT pg_sleep(60)")
        return Done()

    with pytest.raises(Contended, match="TimeoutError"):
        await Desk(database, process).handle(mail())

    assert subjects(tickets) == []


async def test_others_wait_for_a_place_without_a_connection(
    tickets: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_processor, "PLACE_WITHIN", 0.05)
    desk = Desk(database, insert, places=1)

    async with desk.processor.place(MAILBOX):
        with pytest.raises(Contended, match="too many"):
            await desk.handle(mail())

    assert isinstance(await desk.handle(mail()), Completed)


async def test_a_plain_function_runs_in_a_thread_and_in_the_transaction(
    tickets: str, database: Database
) -> None:
    main = threading.get_ident()

    def process(message: Mail, handover: Handover) -> Done:
        assert threading.get_ident() != main
        [(number,)] = handover.connection.execute(
            "INSERT INTO tickets.ticket (sender, subject, body, files)"
            " VALUES ('', %s, '', 0) RETURNING number",
            [message.email.subject],
        )
        return Done(reference=str(number))

    assert await Desk(database, process).handle(mail()) == Completed(Effect.HANDED_OVER, "1")
    assert subjects(tickets) == ["About a"]


async def test_a_thread_that_is_late_cannot_write_any_more(
    tickets: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_processor, "LIMIT", 0.1)
    go_on, ended, errors = threading.Event(), threading.Event(), list[str]()

    def process(_: Mail, handover: Handover) -> Done:
        go_on.wait(30)
        try:
            handover.connection.execute("SELECT 1")
        except Exception as error:  # noqa: BLE001
            errors.append(type(error).__name__)
        ended.set()
        return Done()

    with pytest.raises(Contended, match="TimeoutError"):
        await Desk(database, process).handle(mail())
    go_on.set()
    await asyncio.to_thread(ended.wait, 30)

    assert errors == ["LeftUnusable"]


async def test_a_statement_of_a_thread_that_is_late_is_stopped(
    tickets: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_processor, "LIMIT", 0.2)
    loop = asyncio.get_running_loop()

    def process(_: Mail, handover: Handover) -> Done:
        handover.connection.execute("SELECT pg_sleep(25)")
        return Done()

    desk, began = Desk(database, process), loop.time()
    with pytest.raises(Contended, match="TimeoutError"):
        await desk.handle(mail())

    assert loop.time() - began < 20
    desk.process = insert
    assert isinstance(await desk.handle(mail()), Completed)


# --- Whose fault it is


async def test_a_message_is_charged_when_another_was_taken_since_it_failed(
    tickets: str, database: Database, clock: ManualClock
) -> None:
    async def process(message: Mail, handover: Handover) -> Done:
        if message.email.subject == "About bad":
            raise ValueError(message.email.subject)
        return await insert(message, handover)

    desk = Desk(database, process, clock)
    for name, failure in (("bad", Contended), ("good", None), ("bad", ProcessorFailed)):
        clock.advance(SECOND)
        if failure is None:
            await desk.handle(mail(name))
        else:
            with pytest.raises(failure):
                await desk.handle(mail(name))

    assert desk.failures.charged == [("ValueError", False), ("ValueError", True)]
    assert await desk.processor.obstacle(MAILBOX) == ""


async def test_while_all_fail_nothing_is_charged_and_nothing_more_is_fetched(
    tickets: str, database: Database, clock: ManualClock
) -> None:
    async def process(_: Mail, __: Handover) -> Done:
        raise KeyError("a subject")

    desk = Desk(database, process, clock)
    obstacles = []
    for n in range(4):
        clock.advance(SECOND)
        with pytest.raises(Contended):
            await desk.handle(mail(f"m{n % 2}"))
        obstacles.append(await desk.processor.obstacle(MAILBOX))

    assert obstacles == ["", *["the processor tickets fails: KeyError"] * 3]
    clock.advance(timedelta(minutes=5))
    assert await desk.processor.obstacle(MAILBOX) == ""
    assert not any(charged for _, charged in desk.failures.charged)


async def test_one_that_returns_nothing_has_failed(tickets: str, database: Database) -> None:
    async def process(_: Mail, __: Handover) -> Done:
        return None  # type: ignore[return-value]

    with pytest.raises(Contended, match="TypeError"):
        await Desk(database, process).handle(mail())


async def test_one_that_cannot_be_loaded_is_an_obstacle(database: Database) -> None:
    desk = Desk(database, insert)

    def load() -> None:
        raise ModuleNotFoundError("secret")

    object.__setattr__(desk.processor, "load", load)

    reason = "the processor tickets cannot be loaded: ModuleNotFoundError"
    assert await desk.processor.obstacle(MAILBOX) == reason


# --- What it gets


async def test_the_mail_has_the_properties_of_the_body_and_content_for_its_links(
    tickets: str, database: Database
) -> None:
    got: list[tuple[Mail, Handover]] = []

    async def process(message: Mail, handover: Handover) -> Done:
        got.append((message, handover))
        return Done()

    inbound = mail()
    await Desk(database, process).handle(inbound)

    [(message, handover)] = got
    key = handover_key("acme", MAILBOX.id, inbound.identity)
    assert (message.key, handover.key) == (key, key)
    assert (message.tenant, message.application) == ("acme", "tickets")
    assert message.mailbox.address == MAILBOX.address
    assert message.email.from_[0].email == "ann@sender.example"
    assert message.email["received_at"] == "2030-01-01T12:00:00Z"
    assert message.content.text.strip() == "Hello"
    assert "onclick" not in message.content.html
    assert "onclick" in message.content.original_html
    assert [file.content for file in message.email.attachments] == [b"\x00\x01\x02"]
    assert message.raw == inbound.raw
    assert (message.reply, message.authentication) == (None, None)
    with pytest.raises(AttributeError, match="no property"):
        _ = message.email.from_address


async def test_a_log_of_it_shows_nothing_of_the_mail(tickets: str, database: Database) -> None:
    shown: list[str] = []

    async def process(message: Mail, handover: Handover) -> Done:
        shown.append(f"{message!r} {handover!r} {message.email!r}")
        return Done()

    await Desk(database, process).handle(mail())

    assert "ann" not in shown[0].replace("annotations", "")
    assert "About" not in shown[0]
    assert len(fields(Mail)) == 15


# --- The example of the documentation


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_example(tmp_path, monkeypatch)


@pytest.mark.usefixtures("installed")
async def test_the_example_is_found_and_files_tickets(tickets: str, database: Database) -> None:
    [found] = entry_points(group=ENTRY_POINTS)
    desk = Desk(database, found.load())

    assert found.name == "tickets"
    assert await desk.handle(mail()) == Completed(Effect.HANDED_OVER, "1")
    with pytest.raises(Unprocessable, match="it has no sender"):
        await desk.handle(mail("b", author=""))
    assert subjects(tickets) == ["About a"]
