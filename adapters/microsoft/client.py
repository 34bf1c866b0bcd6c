"""Calls to Microsoft Graph: signed, bounded in time and size, and with their failures named."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from adapters.microsoft.entra import GRAPH_URL
from adapters.microsoft.errors import TokenRejected, graph_failure, unreachable
from adapters.microsoft.retry_after import retry_after
from adapters.microsoft.tokens import AccessTokens
from application.ports import Clock
from domain.failure import Unavailable, Unprocessable
from domain.mailbox import Mailbox

MAX_ERROR_BYTES = 64 * 1024

MAX_JSON_BYTES = 8 * 1024 * 1024

MAX_PAGES = 1000
"""Of one listing: a server that leads in a circle is left."""


_OBJECT = TypeAdapter(dict[str, Any])


class _Page(BaseModel):
    value: list[dict[str, Any]]
    next_link: str = Field(default="", alias="@odata.nextLink")


@dataclass(frozen=True, slots=True)
class GraphClient:
    """Graph, as the credentials of a mailbox open it.

    Paths are given segment by segment and not yet percent-encoded. *timeout* bounds each wait on
    the wire, *deadline* a whole call. A rejected token is replaced once. All methods raise
    SourceGone, AccessFailed, Throttled, Unavailable.
    """

    http: httpx.AsyncClient
    tokens: AccessTokens
    clock: Clock
    graph_url: str = GRAPH_URL
    timeout: timedelta = timedelta(seconds=30)
    deadline: timedelta = timedelta(minutes=2)

    async def download(self, mailbox: Mailbox, *path: str, max_bytes: int) -> bytes:
        """The content at *path*. Raises Unprocessable if there are more than *max_bytes*."""
        content = await self._get(mailbox, self._url(path), max_bytes)
        if content is None:
            raise Unprocessable(f"the message has more than {max_bytes} bytes")
        return content

    async def read(self, mailbox: Mailbox, *path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object at *path*."""
        return await self._object(mailbox, f"{self._url(path)}?{_query(query)}")

    async def pages(
        self, mailbox: Mailbox, *path: str, query: Mapping[str, str]
    ) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """The collection at *path*, page by page to its end (OData's `@odata.nextLink`)."""
        url = f"{self._url(path)}?{_query(query)}"
        for _ in range(MAX_PAGES):
            page = await self._page(mailbox, url)
            yield page.value
            if not page.next_link:
                return
            url = page.next_link
        raise Unavailable(f"Graph answered with more than {MAX_PAGES} pages")

    async def _page(self, mailbox: Mailbox, url: str) -> _Page:
        # A link goes with our token: it must not lead to anybody else.
        if not url.startswith(f"{self.graph_url}/"):
            raise Unavailable("Graph answered with a link to another server")
        try:
            return _Page.model_validate(await self._object(mailbox, url))
        except ValidationError:
            raise Unavailable("Graph answered something else than a page") from None

    async def _object(self, mailbox: Mailbox, url: str) -> dict[str, Any]:
        content = await self._get(mailbox, url, MAX_JSON_BYTES)
        try:
            return _OBJECT.validate_json(content or b"")
        except ValidationError:
            raise Unavailable("Graph answered something else than an object") from None

    def _url(self, path: Sequence[str]) -> str:
        return "/".join((self.graph_url, "v1.0", *map(_segment, path)))

    async def _get(self, mailbox: Mailbox, url: str, max_bytes: int) -> bytes | None:
        token = await self.tokens.get(mailbox)
        try:
            return await self._get_once(url, token, max_bytes)
        except TokenRejected:
            fresh = await self.tokens.get(mailbox, rejected=token)
            return await self._get_once(url, fresh, max_bytes)

    async def _get_once(self, url: str, token: str, max_bytes: int) -> bytes | None:
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
                return await _read(response, max_bytes)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
            raise unreachable("Graph", error) from error


def _headers(token: str) -> dict[str, str]:
    """Without the Prefer header an id is void as soon as someone files the message elsewhere.

    Source: learn.microsoft.com/graph/outlook-immutable-id.
    """
    return {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}


def _query(parameters: Mapping[str, str]) -> str:
    return urlencode(parameters, safe="$,")


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
