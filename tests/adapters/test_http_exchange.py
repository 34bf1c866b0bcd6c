"""One exchange with a peer that is slow, long-winded or not there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Protocol

import httpx
import pytest

from postroom.adapters.http import exchange as module
from postroom.adapters.http.downloads import DownloadLimits, TooSlow
from postroom.adapters.http.exchange import (
    MAX_ERROR_BYTES,
    Response,
    TooLarge,
    exchange,
    exchange_from_thread,
    translated,
)
from postroom.application.mail_in_hand import MailInHand
from postroom.domain.failure import Unavailable
from tests.threads import THREADS

URL = "https://peer.test/"
MAX_BYTES = 100_000
LONG = timedelta(minutes=1)

Handler = Callable[[httpx.Request], httpx.Response]


class Exchange(Protocol):
    async def __call__(self, handler: Handler, deadline: timedelta = LONG) -> Response: ...


async def in_the_loop(handler: Handler, deadline: timedelta = LONG) -> Response:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
        request = http.build_request("GET", URL)
        return await exchange(http, request, peer="peer", max_bytes=MAX_BYTES, deadline=deadline)


async def from_a_thread(handler: Handler, deadline: timedelta = LONG) -> Response:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
        send = partial(
            exchange_from_thread,
            asyncio.get_running_loop(),
            http,
            http.build_request("GET", URL),
            peer="peer",
            max_bytes=MAX_BYTES,
            deadline=deadline,
        )
        return await asyncio.get_running_loop().run_in_executor(THREADS, send)


either_way = pytest.mark.parametrize("exchanged", [in_the_loop, from_a_thread])


@either_way
@pytest.mark.parametrize("status", [200, 204, 302, 404, 503])
async def test_a_response_is_read_whatever_its_status(exchanged: Exchange, status: int) -> None:
    headers = {"Retry-After": "7", "Location": "https://elsewhere.test/"}

    response = await exchanged(lambda _: httpx.Response(status, headers=headers, content=b"body"))

    assert (response.status, response.body) == (status, b"body")
    assert response.headers["retry-after"] == "7"
    assert response.is_success is (status < 300)


@either_way
@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused by 10.0.0.1"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("half an answer"),
        httpx.PoolTimeout("busy"),
        TimeoutError(),
    ],
)
async def test_a_peer_that_cannot_be_heard_is_unavailable(
    exchanged: Exchange, error: Exception
) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(Unavailable) as raised:
        await exchanged(refuse)

    assert type(raised.value) is Unavailable
    assert raised.value.reason == f"peer did not answer: {type(error).__name__}"
    assert raised.value.__cause__ is error


def test_a_url_that_is_none_is_not_repeated() -> None:
    with pytest.raises(Unavailable) as raised, translated("peer"):
        httpx.Request("GET", f"{URL}\n")

    assert raised.value.reason == "peer did not answer: InvalidURL"


@either_way
async def test_a_peer_that_only_drips_is_given_up_at_the_deadline(exchanged: Exchange) -> None:
    left = asyncio.Event()

    async def dripping() -> AsyncIterator[bytes]:
        try:
            yield b" "
            await asyncio.Event().wait()
        finally:
            left.set()

    with pytest.raises(Unavailable, match="peer did not answer: TimeoutError"):
        await exchanged(
            lambda _: httpx.Response(200, content=dripping()), timedelta(milliseconds=10)
        )

    assert left.is_set()


# --- How fast, and how much at a time ---


SOON = timedelta(milliseconds=50)


def in_pieces(*pieces: int | asyncio.Event) -> Handler:
    """A body of so many bytes a piece; an event is waited for."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            if isinstance(piece, int):
                yield b"x" * piece
            else:
                await piece.wait()

    return lambda _: httpx.Response(200, content=body())


async def taken_in(handler: Handler, downloads: DownloadLimits) -> Response:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
        request = http.build_request("GET", URL)
        return await exchange(
            http, request, peer="peer", max_bytes=MAX_BYTES, deadline=LONG, downloads=downloads
        )


@pytest.mark.parametrize("sent", [[], [1], [999, 1]])
async def test_a_peer_that_sends_too_little_at_a_time_is_cut_off(sent: list[int]) -> None:
    downloads = DownloadLimits(rate=100_000, within=SOON)

    with pytest.raises(TooSlow, match="peer sent less than 100000 bytes a second"):
        await taken_in(in_pieces(*sent, asyncio.Event()), downloads)


async def test_what_comes_fast_enough_may_take_longer_in_all() -> None:
    downloads = DownloadLimits(rate=1000, within=SOON)
    more = [asyncio.Event() for _ in range(4)]
    for number, each in enumerate(more, start=1):
        asyncio.get_running_loop().call_later(number * SOON.total_seconds() / 2, each.set)

    response = await taken_in(
        in_pieces(*[piece for each in more for piece in (each, 60)]), downloads
    )

    assert len(response.body) == 240


async def test_no_rate_is_no_limit() -> None:
    more = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * SOON.total_seconds(), more.set)

    response = await taken_in(in_pieces(1, more, 1), DownloadLimits(rate=0, within=SOON))

    assert len(response.body) == 2


async def test_the_time_in_which_a_fetch_waits_for_room_is_not_the_peers() -> None:
    downloads = DownloadLimits(rate=1000, within=SOON, in_hand=MailInHand(100))
    is_held, may_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with downloads.in_hand.one("acme"):
            await downloads.in_hand.take(100)
            is_held.set()
            await may_go.wait()

    holding = asyncio.create_task(hold())
    await is_held.wait()
    asyncio.get_running_loop().call_later(3 * SOON.total_seconds(), may_go.set)

    async with downloads.in_hand.one("acme"):
        response = await taken_in(in_pieces(100, 100), downloads)

    assert len(response.body) == 200
    await holding


async def test_headers_that_drip_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEADERS_WITHIN", SOON)

    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as http:
        request = http.build_request("GET", URL)
        with pytest.raises(Unavailable, match="peer did not answer: TimeoutError"):
            await exchange(http, request, peer="peer", max_bytes=1, deadline=LONG)


# --- How much is read ---------------------------------------------------------------------------


@either_way
async def test_a_body_of_just_the_limit_is_read(exchanged: Exchange) -> None:
    response = await exchanged(lambda _: httpx.Response(200, content=b"x" * MAX_BYTES))

    assert len(response.body) == MAX_BYTES


@either_way
async def test_a_body_over_the_limit_is_too_large(exchanged: Exchange) -> None:
    with pytest.raises(TooLarge) as raised:
        await exchanged(lambda _: httpx.Response(200, content=b"x" * (MAX_BYTES + 1)))

    assert raised.value.reason == f"peer answered with more than {MAX_BYTES} bytes"


@either_way
@pytest.mark.parametrize("status", [200, 500])
async def test_a_body_without_end_is_left(exchanged: Exchange, status: int) -> None:
    body = Endless()

    try:
        response = await exchanged(lambda _: httpx.Response(status, stream=body))
    except TooLarge:
        assert status == 200
    else:
        assert (response.status, response.body) == (500, b"")

    assert body.sent <= 2 * MAX_BYTES
    assert body.is_closed


@either_way
async def test_of_an_error_no_more_is_read_than_a_code_may_take(exchanged: Exchange) -> None:
    fits = await exchanged(lambda _: httpx.Response(500, content=b"x" * MAX_ERROR_BYTES))
    does_not = await exchanged(lambda _: httpx.Response(500, content=b"x" * (MAX_ERROR_BYTES + 1)))

    assert (len(fits.body), len(does_not.body)) == (MAX_ERROR_BYTES, 0)


class Endless(httpx.AsyncByteStream):
    """A body that goes on for as long as it is read."""

    def __init__(self) -> None:
        self.sent = 0
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1000
            yield b" " * 1000

    async def aclose(self) -> None:
        self.is_closed = True
