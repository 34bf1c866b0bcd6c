"""What Graph's refusals mean to a job: every row of the table, and what is done about a token."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.http.retry_after import LONGEST
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.errors import DEFAULT_RETRY_AFTER, MAILBOX_MOVE, Refused
from postroom.domain.failure import (
    AccessFailed,
    Failure,
    SourceGone,
    Throttled,
    Unavailable,
    Unprocessable,
)
from tests.adapters.graph_rig import RAW, USER, Rig, graph_rig


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        yield rig


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (400, "ErrorInvalidIdMalformed", Unprocessable),
        (400, "BadRequest", Refused),
        (403, "ErrorAccessDenied", AccessFailed),
        (403, "Authorization_RequestDenied", AccessFailed),
        (403, "", AccessFailed),
        (404, "ErrorItemNotFound", SourceGone),
        (404, "ErrorInvalidMailboxItemId", Unprocessable),
        (404, "ErrorInvalidUser", AccessFailed),
        (404, "ErrorNonExistentMailbox", AccessFailed),
        (404, "MailboxNotEnabledForRESTAPI", AccessFailed),
        (404, "MailboxNotSupportedForRESTAPI", AccessFailed),
        (404, "Request_ResourceNotFound", AccessFailed),
        (404, "ResourceNotFound", AccessFailed),
        (404, "UnknownError", Refused),
        (404, "", Refused),
        (410, "Gone", Refused),
        (418, "ErrorSomethingNew", Refused),
        (429, "ApplicationThrottled", Throttled),  # without Retry-After
        (500, "InternalServerError", Unavailable),
        (500, "ErrorItemNotFound", Unavailable),  # an answer in trouble is no proof
        (500, "ErrorMailboxMoveInProgress", Throttled),
        (502, "BadGateway", Unavailable),
        (503, "ServiceUnavailable", Unavailable),  # without Retry-After
        (503, "ErrorMailboxStoreUnavailable", Throttled),
        (504, "GatewayTimeout", Unavailable),
    ],
)
async def test_the_error_names_the_remedy(
    rig: Rig, status: int, code: str, failure: type[Failure]
) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.fail(message, status=status, code=code)

    with pytest.raises(Failure) as raised:
        await rig.fetch(message)

    assert type(raised.value) is failure
    assert raised.value.reason == f"Graph answered {status} {code}".strip()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>support@example.org</html>",
        b'{"error": "support@example.org"}',
        b'{"error": {"code": "support@example.org was not found"}}',
        b'{"error": {"code": null}}',
        b'{"error": {"code": "' + b"x" * 100_000 + b'"}}',
        b"\xff" * 10,
        b"",
    ],
)
async def test_a_body_that_holds_no_code_stays_out_of_the_reason(rig: Rig, body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404, content=body))
    async with httpx.AsyncClient(transport=transport) as http:
        odd = replace(rig, client=GraphClient(http, rig.tokens, rig.clock))

        with pytest.raises(Unavailable) as raised:
            await odd.fetch("m")

    assert raised.value.reason == "Graph answered 404"


# --- How long to wait ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("31536000", LONGEST),
        ("0", timedelta(seconds=1)),
        ("Mon, 31 Dec 2029 00:00:00 GMT", timedelta(seconds=1)),
    ],
)
async def test_a_busy_graph_says_how_long_to_wait(
    rig: Rig, status: int, header: str, wait: timedelta
) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.fail(USER, status=status, retry_after=header)

    with pytest.raises(Throttled) as raised:
        await rig.fetch(message)

    assert raised.value.retry_after == wait


@pytest.mark.parametrize("header", ["soon", "-1"])
async def test_a_retry_after_that_cannot_be_read_is_none(rig: Rig, header: str) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.fail(USER, status=503, retry_after=header)

    with pytest.raises(Unavailable) as raised:
        await rig.fetch(message)

    assert raised.value.retry_after is None


@pytest.mark.parametrize("header", ["", "soon", "-1"])
async def test_a_throttling_graph_that_does_not_say_for_how_long_is_left_alone_a_while(
    rig: Rig, header: str
) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.throttle(USER, retry_after=header)

    with pytest.raises(Throttled) as raised:
        await rig.fetch(message)

    assert raised.value.retry_after == DEFAULT_RETRY_AFTER


async def test_a_failing_server_may_say_how_long_to_wait_as_well(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.fail(USER, status=504, retry_after="20")

    with pytest.raises(Unavailable) as raised:
        await rig.fetch(message)

    assert raised.value.retry_after == timedelta(seconds=20)


@pytest.mark.parametrize(
    ("header", "wait"), [("", MAILBOX_MOVE), ("5", MAILBOX_MOVE), ("3000", timedelta(minutes=50))]
)
async def test_a_mailbox_on_the_move_is_left_alone_for_long(
    rig: Rig, header: str, wait: timedelta
) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.fail(USER, status=503, code="ErrorMailboxMoveInProgress", retry_after=header)

    with pytest.raises(Throttled) as raised:
        await rig.fetch(message)

    assert raised.value.retry_after == wait


# --- Tokens -------------------------------------------------------------------------------------


async def test_a_rejected_token_is_replaced_once(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    await rig.fetch(message)
    rig.graph.revoke_tokens()

    fetched = await rig.fetch(message)

    assert fetched.raw == RAW
    assert (rig.tokens.issued, len(rig.graph.requests)) == (2, 3)


async def test_a_second_rejection_is_a_matter_of_access(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.fail(USER, status=401, code="InvalidAuthenticationToken", times=5)

    with pytest.raises(AccessFailed, match="401 InvalidAuthenticationToken"):
        await rig.fetch(message)

    assert (rig.tokens.issued, len(rig.graph.requests)) == (2, 2)
