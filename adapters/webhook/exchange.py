"""One POST, bounded in time and in what is read of its answer.

httpcore, and not httpx above it: that would follow the environment's proxies, store cookies of one
application for another, unpack what was compressed, and log the whole URL.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

import httpcore
import httpx

CONNECT_WITHIN = timedelta(seconds=5)
"""For the name, the connection and TLS."""

MAX_ANSWER_BYTES = 64 * 1024

_SENDING = "http11.send_request_headers.started"
"""httpcore's event before the first byte of a request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Its header is complete; *body* is as much as came. Names of *headers* are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class NoReply:
    """*sent* says that a byte of the request may have gone out."""

    error: Exception | None
    sent: bool


async def post(
    pool: httpcore.AsyncConnectionPool,
    url: httpx.URL,
    headers: Mapping[str, str],
    body: bytes,
    *,
    within: timedelta,
) -> Reply | NoReply:
    """Ends *within* that time, whatever trickles in. No redirect is followed."""
    exchange, failure = _Exchange(within), None
    try:
        await exchange.run(pool, _request(url, headers, body))
    except Exception as error:  # noqa: BLE001 - errors of TLS and of anyio get through httpcore
        failure = error
    return exchange.reply or NoReply(failure, exchange.sent)


class _Exchange:
    """How far it has come is what its failure means."""

    def __init__(self, within: timedelta) -> None:
        self.reply: Reply | None = None
        self.sent = False
        began = asyncio.get_running_loop().time()
        self._ends = began + within.total_seconds()
        self._connected_by = min(began + CONNECT_WITHIN.total_seconds(), self._ends)

    async def run(self, pool: httpcore.AsyncConnectionPool, request: httpcore.Request) -> None:
        request.extensions["trace"] = self._trace
        async with asyncio.timeout_at(self._connected_by) as self._timer:
            async with aclosing(await pool.handle_async_request(request)) as response:
                self.reply = Reply(response.status, _texts(response.headers))
                await _read(response, self.reply.body)

    async def _trace(self, event: str, _: object) -> None:
        if event == _SENDING:
            self.sent = True
            self._timer.reschedule(self._ends)


async def _read(response: httpcore.Response, into: bytearray) -> None:
    async for chunk in response.aiter_stream():
        into += chunk[: MAX_ANSWER_BYTES - len(into)]
        if len(into) == MAX_ANSWER_BYTES:
            return


def _request(url: httpx.URL, headers: Mapping[str, str], body: bytes) -> httpcore.Request:
    own = {"host": url.netloc.decode("ascii"), "content-length": str(len(body))}
    return httpcore.Request(
        "POST",
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=[*own.items(), *_authorization(url).items(), *headers.items()],
        content=body,
        extensions={"timeout": {"connect": CONNECT_WITHIN.total_seconds()}},
    )


def _authorization(url: httpx.URL) -> Mapping[str, str]:
    """A user in the URL is one of Basic authentication (RFC 7617)."""
    if not url.userinfo:
        return {}
    user = base64.b64encode(f"{url.username}:{url.password}".encode())
    return {"authorization": f"Basic {user.decode()}"}


def _texts(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Any bytes are text in Latin-1. Of a header that comes twice, the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
