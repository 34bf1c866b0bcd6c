"""Calls to Microsoft Graph: signed, bounded in time and size, and with their failures named."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import httpx

from adapters.microsoft.entra import GRAPH_URL
from adapters.microsoft.errors import TokenRejected, graph_failure, unreachable
from adapters.microsoft.retry_after import retry_after
from adapters.microsoft.tokens import AccessTokens
from application.ports import Clock
from domain.failure import Unprocessable
from domain.mailbox import Mailbox

MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class GraphClient:
    """Graph, as the credentials of a mailbox open it.

    *timeout* bounds each wait on the wire, *deadline* a whole call.
    """

    http: httpx.AsyncClient
    tokens: AccessTokens
    clock: Clock
    graph_url: str = GRAPH_URL
    timeout: timedelta = timedelta(seconds=30)
    deadline: timedelta = timedelta(minutes=2)

    async def download(self, mailbox: Mailbox, *path: str, max_bytes: int) -> bytes:
        """The content at *path*, given segment by segment and not yet percent-encoded.

        A rejected token is replaced once. Raises SourceGone, AccessFailed, Throttled, Unavailable,
        and Unprocessable if there are more than *max_bytes*.
        """
        url = "/".join((self.graph_url, "v1.0", *map(_segment, path)))
        token = await self.tokens.get(mailbox)
        try:
            return await self._download(url, token, max_bytes)
        except TokenRejected:
            fresh = await self.tokens.get(mailbox, rejected=token)
            return await self._download(url, fresh, max_bytes)

    async def _download(self, url: str, token: str, max_bytes: int) -> bytes:
        try:
            async with (
                asyncio.timeout(self.deadline.total_seconds()),
                self.http.stream(
                    "GET", url, headers=_headers(token), timeout=self.timeout.total_seconds()
                ) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    body = await _read(response, MAX_ERROR_BYTES)
                    wait = retry_after(response.headers.get("Retry-After"), self.clock.now())
                    raise graph_failure(response.status_code, body or b"", wait)
                content = await _read(response, max_bytes)
        except (httpx.RequestError, TimeoutError) as error:
            raise unreachable("Graph", error) from error
        if content is None:
            raise Unprocessable(f"the message has more than {max_bytes} bytes")
        return content


def _headers(token: str) -> dict[str, str]:
    """Without the Prefer header an id is void as soon as someone files the message elsewhere.

    Source: learn.microsoft.com/graph/outlook-immutable-id.
    """
    return {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}


def _segment(text: str) -> str:
    """*text* as one segment of a path, whatever stands in it: `..` leads nowhere else."""
    return quote(text, safe="$") if text.strip(".") else text.replace(".", "%2E")


async def _read(response: httpx.Response, limit: int) -> bytes | None:
    """The body; None as soon as it proves longer than *limit*, with the rest left unread."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
