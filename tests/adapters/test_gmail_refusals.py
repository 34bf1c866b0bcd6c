"""What Gmail's refusals and silences mean for a message: each row of the error table."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google import GmailClient, GmailFetcher
from postroom.adapters.http.retry_after import LONGEST
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import AccessFailed, Failure, SourceGone, Throttled, Unavailable
from postroom.entrypoints.emulators.gmail import GoogleError
from tests.adapters.gmail_rig import MAIL, SUPPORT, Rig, gmail_rig, logged, pointer, responding

MAX_MESSAGE_BYTES = 2**20
HALF_A_MINUTE = timedelta(seconds=30)


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with gmail_rig(clock) as rig:
        yield rig


async def failure_of(rig: Rig, client: GmailClient | None = None) -> Failure:
    """What fetching a message that is there raises."""
    message_id = rig.gmail.deliver(SUPPORT, MAIL)
    with pytest.raises(Failure) as caught:
        await GmailFetcher(client or rig.client, MAX_MESSAGE_BYTES).fetch(
            rig.mailbox(), pointer(message_id)
        )
    return caught.value


@pytest.mark.parametrize(
    ("status", "reason", "remedy"),
    [
        (400, "failedPrecondition", AccessFailed),
        (400, "invalidArgument", Unavailable),
        (403, "dailyLimitExceeded", Throttled),
        (403, "domainPolicy", AccessFailed),
        (403, "insufficientPermissions", AccessFailed),
        (403, "quotaExceeded", Throttled),
        (403, "rateLimitExceeded", Throttled),
        (403, "userRateLimitExceeded", Throttled),
        (404, "notFound", SourceGone),
        (404, "movedElsewhere", Unavailable),
        (409, "aborted", Unavailable),
        (418, "teapot", Unavailable),
        (429, "rateLimitExceeded", Throttled),
        (429, "tooManyConcurrentRequests", Throttled),
        (500, "backendError", Unavailable),
        (502, "badGateway", Unavailable),
        (503, "backendError", Unavailable),
        (504, "backendError", Unavailable),
    ],
)
async def test_each_refusal_has_its_remedy(
    rig: Rig, status: int, reason: str, remedy: type[Failure]
) -> None:
    rig.gmail.fail("messages.get", GoogleError(status, reason, f"{SUPPORT} is not welcome"))

    failure = await failure_of(rig)

    assert type(failure).mro().index(remedy) <= 1
    assert SUPPORT not in logged(failure)


async def test_a_404_that_is_not_of_gmail_does_not_mean_that_the_message_is_gone(
    rig: Rig, clock: ManualClock
) -> None:
    async with responding(clock, lambda _: httpx.Response(404, text="<h1>Not here</h1>")) as client:
        failure = await failure_of(rig, client)

    assert isinstance(failure, Unavailable)


@pytest.mark.parametrize(
    ("status", "error", "remedy"),
    [
        (404, {"status": "NOT_FOUND"}, SourceGone),
        (404, {"errors": [{"reason": "notFound"}]}, SourceGone),
        (404, {"errors": [{"reason": "notFound"}], "status": "NOT_FOUND"}, SourceGone),
        (404, {"details": [{"reason": "ROUTE_UNKNOWN"}], "status": "NOT_FOUND"}, Unavailable),
        (404, {"code": 404}, Unavailable),
        (400, {"status": "FAILED_PRECONDITION"}, AccessFailed),
        (403, {"status": "RESOURCE_EXHAUSTED"}, Throttled),
        (403, {"details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}, Throttled),
        (403, {"details": [{"reason": "SERVICE_DISABLED"}]}, AccessFailed),
        (403, {"status": "PERMISSION_DENIED"}, AccessFailed),
    ],
)
async def test_a_refusal_is_the_same_with_and_without_the_older_list_of_errors(
    rig: Rig, clock: ManualClock, status: int, error: dict[str, object], remedy: type[Failure]
) -> None:
    """google.rpc.Status (AIP-193), and what Gmail has written before that."""
    body = {"error": {"code": status, "message": "No.", **error}}
    async with responding(clock, lambda _: httpx.Response(status, json=body)) as client:
        failure = await failure_of(rig, client)

    assert isinstance(failure, remedy)


@pytest.mark.parametrize("status", [301, 304, 451])
async def test_an_answer_that_nobody_foresaw_is_tried_again(
    rig: Rig, clock: ManualClock, status: int
) -> None:
    headers = {"Location": "https://elsewhere.test/"}
    async with responding(clock, lambda _: httpx.Response(status, headers=headers)) as client:
        failure = await failure_of(rig, client)

    assert isinstance(failure, Unavailable)


async def test_a_peer_that_cannot_be_heard_is_unavailable(rig: Rig, clock: ManualClock) -> None:
    error = httpx.ConnectError("refused")

    def respond(_: httpx.Request) -> httpx.Response:
        raise error

    async with responding(clock, respond) as client:
        failure = await failure_of(rig, client)

    assert isinstance(failure, Unavailable)
    assert failure.reason == "gmail.test did not answer: ConnectError"
    assert failure.__cause__ is error


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<h1>Sign in to the hotel's network</h1>",
        b"[]",
        b'{"id": "m1", "internalDate": "0"}',
        b'{"id": "m1", "internalDate": "0", "raw": "secret!"}',
        b'{"id": "m1", "internalDate": "0", "raw": 7}',
        b'{"id": "m1", "internalDate": "-1", "raw": "c2VjcmV0"}',
        b'{"id": "m1", "internalDate": "9999999999999999", "raw": "c2VjcmV0"}',
        b'{"id": "m1", "internalDate": "yesterday", "raw": "c2VjcmV0"}',
    ],
)
async def test_an_unreadable_answer_is_tried_again_and_not_told(
    rig: Rig, clock: ManualClock, body: bytes
) -> None:
    async with responding(clock, lambda _: httpx.Response(200, content=body)) as client:
        failure = await failure_of(rig, client)

    assert isinstance(failure, Unavailable)
    assert not {"secret!", "c2VjcmV0", "hotel"} & set(logged(failure).replace("'", " ").split())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": 1}', b'{"error": {"errors": [7]}}'])
@pytest.mark.parametrize("body_of", [lambda body: body, lambda body: b"[" * 50_000 + body])
async def test_a_refusal_in_any_form_is_understood_by_its_status(
    rig: Rig, clock: ManualClock, body: bytes, body_of: Callable[[bytes], bytes]
) -> None:
    async with responding(clock, lambda _: httpx.Response(403, content=body_of(body))) as client:
        failure = await failure_of(rig, client)

    assert isinstance(failure, AccessFailed)
    assert failure.reason == "gmail answered 403"


# --- How long to wait ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "text", "pause"),
    [
        ("", "", HALF_A_MINUTE),
        ("7", "", timedelta(seconds=7)),
        ("31536000", "", LONGEST),
        ("-1", "", HALF_A_MINUTE),
        ("0", "", HALF_A_MINUTE),
        ("Mon, 31 Dec 2029 00:00:00 GMT", "", HALF_A_MINUTE),
        ("soon", "", HALF_A_MINUTE),
        (
            "",
            "User-rate limit exceeded.  Retry after 2030-01-01T00:15:00.500Z",
            timedelta(0, 900.5),
        ),
        (
            "",
            "User-rate limit exceeded.  Retry after 2030-01-01T00:01:00Z (Mail)",
            timedelta(0, 60),
        ),
        ("", "Retry after 2029-01-01T00:00:00.000Z", HALF_A_MINUTE),
        ("", "Retry after 2030-99-99T00:00:00.000Z", HALF_A_MINUTE),
        ("9", "Retry after 2030-01-01T00:15:00.500Z", timedelta(seconds=9)),
    ],
)
async def test_a_throttled_job_waits_as_long_as_gmail_asks(
    rig: Rig, header: str, text: str, pause: timedelta
) -> None:
    headers = {"Retry-After": header} if header else {}
    fault = GoogleError(429, "rateLimitExceeded", text, headers=headers)
    rig.gmail.fail("messages.get", fault)

    failure = await failure_of(rig)

    assert isinstance(failure, Throttled)
    assert failure.retry_after == pause


async def test_a_quota_that_does_not_say_when_it_ends_is_left_alone_longer_each_time(
    rig: Rig, clock: ManualClock
) -> None:
    rig.gmail.fail("messages.get", GoogleError(429, "rateLimitExceeded", ""), times=8)
    pauses = []
    for _ in range(8):
        failure = await failure_of(rig)
        assert isinstance(failure, Throttled)
        pauses.append(failure.retry_after.total_seconds())
        clock.advance(failure.retry_after)

    assert pauses == [30, 60, 120, 240, 480, 600, 600, 600]
    message_id = rig.gmail.deliver(SUPPORT, MAIL)
    await GmailFetcher(rig.client, MAX_MESSAGE_BYTES).fetch(rig.mailbox(), pointer(message_id))
    rig.gmail.fail("messages.get", GoogleError(429, "rateLimitExceeded", ""))
    assert (await failure_of(rig)).retry_after == HALF_A_MINUTE  # type: ignore[attr-defined]


async def test_fetches_that_meet_a_quota_together_wait_equally_long(rig: Rig) -> None:
    rig.gmail.fail("messages.get", GoogleError(403, "userRateLimitExceeded", ""), times=4)

    failures = [await failure_of(rig) for _ in range(4)]

    assert {each.retry_after for each in failures} == {HALF_A_MINUTE}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("60", timedelta(minutes=1)),
        ("31536000", LONGEST),
        ("Mon, 31 Dec 2029 00:00:00 GMT", None),
        ("-1", None),
        ("soon", None),
    ],
)
async def test_an_unavailable_gmail_may_say_when_it_is_back(
    rig: Rig, header: str, wait: timedelta | None
) -> None:
    headers = {"Retry-After": header}
    rig.gmail.fail("messages.get", GoogleError(503, "backendError", headers=headers))

    failure = await failure_of(rig)

    assert isinstance(failure, Unavailable)
    assert failure.retry_after == wait


async def test_a_fault_of_one_message_does_not_touch_the_next(rig: Rig) -> None:
    rig.gmail.fail("messages.get", GoogleError(500, "backendError"))
    await failure_of(rig)
    message_id = rig.gmail.deliver(SUPPORT, MAIL)

    fetched = await GmailFetcher(rig.client, MAX_MESSAGE_BYTES).fetch(
        replace(rig.mailbox(), id="another"), pointer(message_id)
    )

    assert fetched.raw == MAIL
