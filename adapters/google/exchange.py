"""One HTTP exchange with Google, bounded in time and in size."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import httpx

from postroom.adapters.google.errors import TooLarge
from postroom.domain.failure import Unavailable

DEADLINE = timedelta(seconds=45)
"""For the whole exchange: a peer that sends a byte now and then does not hold us up."""

TIMEOUT = httpx.Timeout(15, connect=10)
"""Seconds, for each step of the exchange."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status == HTTPStatus.OK


async def exchange(
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    limit: int,
    deadline: timedelta = DEADLINE,
) -> Answer:
    """Send *request* and read up to *limit* bytes. Raises Unavailable, TooLarge."""
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            response = await http.send(request, stream=True)
            try:
                body = await _read(response, limit)
            finally:
                await response.aclose()
    except (httpx.HTTPError, TimeoutError) as error:
        raise Unavailable(f"{request.url.host}: {type(error).__name__}") from error
    return Answer(response.status_code, response.headers, body)


async def _read(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"{response.url.host} sent more than {limit} bytes")
    return bytes(body)
