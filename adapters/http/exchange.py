"""One HTTP exchange, bounded in time and in size, and with its failures named.

httpx bounds each wait on the wire, but neither the whole exchange nor what it reads.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from postroom.adapters.http.downloads import DownloadLimits
from postroom.domain.failure import Unavailable

MAX_ERROR_BYTES = 64 * 1024
"""Of the body of an error. A longer one counts as empty: the status alone must do."""

HEADERS_WITHIN = timedelta(seconds=30)
"""The headers of a response must be here. (A peer may think for a while before it sends any.)"""


class TooLarge(Unavailable):
    """The body is over the size limit, and was not read to its end."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        return httpx.codes.is_success(self.status)

    @property
    def content_type(self) -> str:
        """In lower case, and without its parameters."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


@contextmanager
def translated(peer: str) -> Iterator[None]:
    """Whatever leaves the block because *peer* gave no response is Unavailable.

    Only the error's name gets into the reason: its text may hold a URL.
    """
    try:
        yield
    except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
        reached = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        reason = f"{peer} did not answer: {type(error).__name__}"
        raise Unavailable(reason, answered=reached) from error


@contextmanager
def of_source(source: str) -> Iterator[None]:
    """Whatever leaves the block as Unavailable is the failure of *source*."""
    try:
        yield
    except Unavailable as failure:
        failure.source = source
        raise


async def exchange(
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    peer: str,
    max_bytes: int,
    deadline: timedelta,
    downloads: DownloadLimits | None = None,
    headers_within: timedelta = HEADERS_WITHIN,
    into: Callable[[bytes], None] | None = None,
) -> Response:
    """Send *request* to *peer* and read up to *max_bytes*. Raises Unavailable, TooLarge, Contended.

    The body of a success is given to *into*, by the chunk, if there is one; then it is empty here.
    The *deadline* is for all of it: a peer that sends a byte now and then does not hold us up. Nor
    does one that sends them so slowly that *downloads* says no.
    """
    with translated(peer):
        async with asyncio.timeout(deadline.total_seconds()) as whole:
            async with (
                aclosing(await _first_of(http, request, headers_within)) as response,
                (downloads or DownloadLimits()).watch(peer, whole) as arrived,
            ):
                limit, size = _limit(response, max_bytes), 0
                body = bytearray()
                take = into if into and response.is_success else body.extend
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > limit:
                        break
                    take(chunk)
                    await arrived(len(chunk))
    return _checked(response, bytes(body), peer, limit=limit, size=size)


async def _first_of(
    http: httpx.AsyncClient, request: httpx.Request, within: timedelta
) -> httpx.Response:
    async with asyncio.timeout(within.total_seconds()):
        return await http.send(request, stream=True)


def exchange_from_thread(
    loop: asyncio.AbstractEventLoop,
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    peer: str,
    max_bytes: int,
    deadline: timedelta,
) -> Response:
    """The same for a library that blocks, in its thread; *loop* is where *http* is at home.

    A client that blocks itself could bound each wait on the wire, but not the exchange.
    """
    bounded = exchange(http, request, peer=peer, max_bytes=max_bytes, deadline=deadline)
    sending = asyncio.run_coroutine_threadsafe(bounded, loop)
    with translated(peer):
        return sending.result(2 * deadline.total_seconds())  # should the loop have gone


def _limit(response: httpx.Response, max_bytes: int) -> int:
    return max_bytes if response.is_success else MAX_ERROR_BYTES


def _checked(
    response: httpx.Response, body: bytes, peer: str, *, limit: int, size: int
) -> Response:
    if size <= limit:
        return Response(response.status_code, response.headers, body)
    if response.is_success:
        raise TooLarge(f"{peer} answered with more than {limit} bytes")
    return Response(response.status_code, response.headers, b"")
