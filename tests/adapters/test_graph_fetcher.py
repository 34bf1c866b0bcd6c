"""GraphFetcher against the Graph emulator: in process, and on a port where the wire matters."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.client import GraphClient
from postroom.domain.failure import AccessFailed, SourceGone, Unavailable, Unprocessable
from postroom.entrypoints.emulators.loopback import serve
from tests.adapters.graph_rig import HEAD, RAW, USER, Rig, graph_rig, remote

MEGABYTE = 1024 * 1024


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        yield rig


# --- Which message ------------------------------------------------------------------------------


async def test_a_message_is_fetched_as_mime_in_one_call(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)

    fetched = await rig.fetch(message)

    assert (fetched.raw, fetched.source) == (RAW, f"microsoft:{message}")
    [request] = rig.graph.requests
    assert unquote(request.path) == f"/v1.0/users/{USER}/messages/{message}/$value"
    assert request.headers["prefer"] == 'IdType="ImmutableId"'


async def test_a_deleted_message_is_gone(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.delete(message)

    with pytest.raises(SourceGone, match="404 ErrorItemNotFound"):
        await rig.fetch(message)


async def test_a_message_of_another_mailbox_is_not_taken_for_gone(rig: Rig) -> None:
    rig.graph.deliver(USER, RAW)
    foreign = rig.graph.deliver("sales@example.org", RAW)

    with pytest.raises(Unprocessable, match="404 ErrorInvalidMailboxItemId"):
        await rig.fetch(foreign)


async def test_a_user_without_a_mailbox_is_a_matter_of_access(rig: Rig) -> None:
    with pytest.raises(AccessFailed, match="404 ErrorInvalidUser"):
        await rig.fetch("AAkALgx", user="nobody@example.org")


@pytest.mark.parametrize(
    "user", ["o'hara@example.org", "müller@example.org", "a/b@example.org", "a?b#c%41@example.org"]
)
async def test_any_user_reaches_the_mailbox_that_it_names(rig: Rig, user: str) -> None:
    message = rig.graph.deliver(user, RAW)

    fetched = await rig.fetch(message, user=user)

    assert fetched.raw == RAW


@pytest.mark.parametrize(
    "message_id", ["AAkALg/a+b=", "AAkALg?x#y", "AAkALg%2F..", "AAkALg \r\nHost: x", "..", ".", "é"]
)
async def test_any_message_id_stays_one_segment_of_the_path(rig: Rig, message_id: str) -> None:
    rig.graph.deliver(USER, RAW)

    with pytest.raises((SourceGone, Unprocessable)):
        await rig.fetch(message_id)

    [request] = rig.graph.requests
    assert [unquote(each) for each in request.path.split("/")[5:]] == [message_id, "$value"]


# --- When it came in ----------------------------------------------------------------------------


async def test_the_topmost_received_field_says_when_the_message_came_in(rig: Rig) -> None:
    dated = b"Date: Tue, 1 Jan 1980 00:00:00 +0000\r\n"
    folded = HEAD.replace(b"; ", b"\r\n\twith ESMTP; id 7;\r\n ")
    older = b"Received: from x by a; Mon, 31 Dec 2029 01:00:00 +0000\r\n"
    message = rig.graph.deliver(USER, dated + folded + older + b"\r\nReceived: x; no\r\n")

    fetched = await rig.fetch(message)

    assert fetched.received_at == datetime(2029, 12, 31, 22, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: none\r\n",
        b"Received: without a date\r\n",
        b"Received: a by b; not a date\r\n",
        b"Received: a by b; Mon, 31 Dec 99999 23:58:00 +0000\r\n",
        b"Received: a by b; Fri, 31 Dec 9999 23:59:00 -2300\r\n",
        b"Received: a by b; Wed, 1 Jan 2031 00:00:00 +0000\r\n",  # not yet
        b"Received: \xff\xfe; \xff\r\n",
        b"\r\nReceived: in the body; Mon, 31 Dec 2029 23:58:00 +0000\r\n",
        b"",
    ],
)
async def test_without_a_date_to_trust_it_came_in_now(
    rig: Rig, clock: ManualClock, head: bytes
) -> None:
    message = rig.graph.deliver(USER, head + b"\r\nText\r\n")

    fetched = await rig.fetch(message)

    assert fetched.received_at == clock.now()


# --- The wire -----------------------------------------------------------------------------------


async def test_a_message_over_the_limit_is_not_read_to_its_end(rig: Rig) -> None:
    message = rig.graph.deliver(USER, b"x" * 64 * MEGABYTE)

    async with remote(rig) as far:
        with pytest.raises(Unprocessable, match="more than 1048576 bytes"):
            await far.fetch(message, max_message_bytes=MEGABYTE)

    assert rig.graph.bytes_sent < 32 * MEGABYTE


@pytest.mark.parametrize(
    ("limit", "error"), [("timeout", "ReadTimeout"), ("deadline", "TimeoutError")]
)
async def test_a_server_that_falls_silent_is_given_up_in_time(
    rig: Rig, limit: str, error: str
) -> None:
    message = rig.graph.deliver(USER, b"x" * MEGABYTE)
    rig.graph.stall(message)

    async with remote(rig, **{limit: timedelta(seconds=2)}) as far:
        with pytest.raises(Unavailable, match=f"Graph did not answer: {error}"):
            await far.fetch(message)


async def test_a_connection_lost_midway_is_tried_again(rig: Rig) -> None:
    message = rig.graph.deliver(USER, b"x" * MEGABYTE)
    rig.graph.cut(message)

    async with remote(rig) as far:
        with pytest.raises(Unavailable, match="Graph did not answer: RemoteProtocolError"):
            await far.fetch(message)

        assert len((await far.fetch(message)).raw) == MEGABYTE


async def test_a_server_that_is_not_there_is_unavailable(rig: Rig, clock: ManualClock) -> None:
    async with serve(rig.graph.app) as url:
        pass
    async with httpx.AsyncClient() as http:
        far = replace(rig, client=GraphClient(http, rig.tokens, clock, url))

        with pytest.raises(Unavailable) as raised:
            await far.fetch("m")

    assert raised.value.reason == "Graph did not answer: ConnectError"
    assert not raised.value.answered


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("text/plain", b"", "Graph answered 200 with nothing"),
        ("application/json; charset=utf-8", b"{}", "application/json, which is no message"),
        ("Text/HTML", b"<h1>Please wait</h1>", "text/html, which is no message"),
    ],
)
async def test_an_answer_that_is_no_message_is_asked_for_again(
    rig: Rig, clock: ManualClock, kind: str, body: bytes, reason: str
) -> None:
    answer = httpx.Response(200, headers={"Content-Type": kind}, content=body)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        far = replace(rig, client=GraphClient(http, rig.tokens, clock))

        with pytest.raises(Unavailable, match=reason):
            await far.fetch("m")
