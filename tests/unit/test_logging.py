import asyncio
import io
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from postroom.domain.addresses import without_addresses
from postroom.entrypoints.telemetry.privacy import (
    MAX_TEXT,
    error_fields,
    loggable,
)
from postroom.entrypoints.telemetry.seldom import MAX_KNOWN, RateLimit
from tests.unit.captured_log import captured_log, lines

log = structlog.get_logger()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    with captured_log() as out:
        yield out


# --- Our own lines


def test_a_line_is_json_with_time_level_and_event(stream: io.StringIO) -> None:
    log.info("enqueued", tenant="acme", uid=7)

    [line] = lines(stream)
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo == UTC
    assert line == {"event": "enqueued", "level": "info", "tenant": "acme", "uid": 7}


def test_a_field_that_is_not_on_the_list_is_named_and_withheld(stream: io.StringIO) -> None:
    log.info("fetched", subject="You are fired", body="Dear Bob", tenant="acme")

    [line] = lines(stream)
    assert line["withheld"] == ["body", "subject"]
    assert line["tenant"] == "acme"
    assert "fired" not in stream.getvalue()
    assert "Bob" not in stream.getvalue()


def test_an_exception_is_told_by_its_class_and_place(stream: io.StringIO) -> None:
    def refuse() -> None:
        raise ValueError("bad address alice@example.org, password hush")

    try:
        refuse()
    except ValueError:
        log.exception("failed")

    [line] = lines(stream)
    assert line["error"] == "ValueError"
    assert line["where"].startswith("test_logging.py:")
    assert " refuse < test_logging.py:" in line["where"]
    assert "hush" not in stream.getvalue()


def test_text_for_people_is_no_less_discreet() -> None:
    with captured_log("console") as out:
        log.info("fetched", tenant="acme", subject="You are fired", reason="to alice@example.org")

    assert "fetched" in out.getvalue()
    assert "tenant" in out.getvalue()
    assert "fired" not in out.getvalue()
    assert "alice" not in out.getvalue()


def test_debug_is_not_told(stream: io.StringIO) -> None:
    log.debug("detail")

    assert stream.getvalue() == ""


# --- What may be told


@pytest.mark.parametrize(
    "text",
    [
        "alice@example.org",
        "refused for <alice@example.org>.",
        "users/alice%40example.org/messages",
        '"Alice Smith"@example.org is unknown',
        "mailto:alice@example.org?subject=x",
        "postgresql://alice:hush@host/db",
        "älice@exämple.org",
        "alice@[192.0.2.1]",
    ],
)
def test_addresses_are_taken_out_of_any_text(text: str) -> None:
    told = without_addresses(text)

    assert "(address)" in told
    assert "lice" not in told
    assert "hush" not in told
    assert "mple" not in told


def test_text_without_an_address_is_left_as_it_is() -> None:
    reason = "Graph: 503 ServiceNotAvailable, Retry-After 30 (100% busy)"

    assert without_addresses(reason) == reason


def test_a_value_of_another_type_may_hold_anything_and_is_not_shown() -> None:
    told = loggable({"reason": ["alice"], "count": {"a": "alice"}, "uid": 7, "until": None})

    assert told == {"reason": "(list)", "count": "(dict)", "uid": 7, "until": None}


def test_a_time_is_shown_in_iso_8601() -> None:
    due = datetime(2030, 1, 1, tzinfo=UTC)

    assert loggable({"until": due}) == {"until": "2030-01-01T00:00:00+00:00"}


def test_long_text_is_cut() -> None:
    told = loggable({"reason": "x" * 10_000})

    assert told == {"reason": "x" * MAX_TEXT}


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert error_fields(asyncio.CancelledError()) == {
        "error": "asyncio.exceptions.CancelledError",
        "where": "",
    }


# --- Lines of libraries


@pytest.mark.parametrize("name", ["httpx", "httpcore", "uvicorn.access"])
def test_lines_with_urls_are_silenced(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning("GET %s", "https://graph/users/alice@example.org")

    assert stream.getvalue() == ""


def test_a_library_tells_its_template_and_where_but_not_its_arguments(
    stream: io.StringIO,
) -> None:
    logging.getLogger("some.library").warning("cannot parse %r", "Subject: You are fired")

    [line] = lines(stream)
    assert line["event"] == "cannot parse %r"
    assert line["logger"] == "some.library"
    assert line["level"] == "warning"
    assert line["where"].startswith("test_logging.py:")
    assert "fired" not in stream.getvalue()


def test_a_line_that_a_library_put_together_itself_is_withheld(stream: io.StringIO) -> None:
    logging.getLogger("some.library").error("ignored: * 7 FETCH Subject: You are fired")

    [line] = lines(stream)
    assert line["event"] == "(withheld)"
    assert line["logger"] == "some.library"
    assert "fired" not in stream.getvalue()


def test_a_library_that_was_read_tells_its_first_line(stream: io.StringIO) -> None:
    logging.getLogger("psycopg.pool").warning("error connecting in %r: %s", "pool-1", "refused")

    [line] = lines(stream)
    assert line["event"] == "error connecting in 'pool-1': refused"


def test_a_library_that_repeats_itself_is_shown_once_a_minute(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, other = logging.getLogger("psycopg.pool"), logging.getLogger("some.library")
    for number in range(3):
        pool.warning("error connecting in %r: %s", "pool-1", f"refused {number}")
        other.warning("cannot parse %r", number)
    pool.warning("discarding broken connection: %s", "c")
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    pool.warning("error connecting in %r: %s", "pool-1", "refused later")

    assert [line["event"] for line in lines(stream)] == [
        "error connecting in 'pool-1': refused 0",
        *["cannot parse %r"] * 3,
        "discarding broken connection: c",
        "error connecting in 'pool-1': refused later",
    ]


def test_a_failure_that_every_sender_meets_is_shown_once_a_minute(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mailbox in ("support", "sales", "office"):
        log.error("enqueue failed", mailbox=mailbox, reason="Redis is away")
        log.warning("request failed", reason="Redis is away")
        log.info("enqueued", mailbox=mailbox)
    log.error("enqueue failed", mailbox="support", reason="Redis is full")
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    log.error("enqueue failed", mailbox="office", reason="Redis is away")

    failed = [line for line in lines(stream) if line["event"] == "enqueue failed"]
    assert [(each["mailbox"], each["reason"], each.get("repeated")) for each in failed] == [
        ("support", "Redis is away", None),
        ("support", "Redis is full", None),
        ("office", "Redis is away", 2),
    ]
    events = [line["event"] for line in lines(stream)]
    assert (events.count("request failed"), events.count("enqueued")) == (1, 3)


def test_what_befalls_one_application_hides_nothing_of_another(stream: io.StringIO) -> None:
    for name in ("crm", "crm", "erp"):
        log.error("application.no_fallback", application=name, reason="it is paused")
        log.warning("events dropped", subscriber=name, count=1)

    shown = [line.get("application") or line["subscriber"] for line in lines(stream)]
    assert shown == ["crm", "crm", "erp", "erp"]


def test_of_ever_new_reasons_the_last_thousand_are_known() -> None:
    limit = RateLimit()
    for number in range(MAX_KNOWN + 1):
        assert limit.admit(number) == 0

    assert limit.admit(MAX_KNOWN) is None
    assert limit.admit(0) == 0, "the first have been forgotten"


def test_a_librarys_exception_is_told_by_its_class(stream: io.StringIO) -> None:
    error = ValueError("alice@example.org")

    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)

    [line] = lines(stream)
    assert line["event"] == "Exception in ASGI application"
    assert line["error"] == "ValueError"
    assert "alice" not in stream.getvalue()


async def test_an_error_that_nobody_awaited_is_told_without_its_message(
    stream: io.StringIO,
) -> None:
    context = {
        "message": "Task exception was never retrieved",
        "exception": ValueError("alice hush"),
        "future": "<Task exception=ValueError('alice hush')>",
    }
    asyncio.get_running_loop().default_exception_handler(context)

    [line] = lines(stream)
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"] == "ValueError"
    assert "alice" not in stream.getvalue()


def test_libraries_are_heard_from_warnings_on(stream: io.StringIO) -> None:
    logging.getLogger("some.library").info("hello %s", "world")

    assert stream.getvalue() == ""
