"""Calls to Microsoft Graph: signed, bounded in time and size, and with their failures named."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import httpx
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.http.exchange import Response, TooLarge, exchange, translated
from postroom.adapters.http.retry_after import retry_after
from postroom.adapters.http.server_skew import ServerSkew
from postroom.adapters.microsoft.entra import GRAPH_URL
from postroom.adapters.microsoft.errors import SHORTEST_WAIT, Meanings, TokenRejected, failure_of
from postroom.adapters.microsoft.tokens import AccessTokens
from postroom.adapters.microsoft.urls import graph_address
from postroom.application.ports import Clock
from postroom.domain.failure import Unavailable, Unprocessable
from postroom.domain.mailbox import Mailbox

PEER = "Graph"

MAX_JSON_BYTES = 8 * 1024 * 1024

MAX_PAGES = 1000
"""Of one listing: a server that leads in a circle is left."""

IMMUTABLE_IDS = 'IdType="ImmutableId"'
"""Preferred in every call: without it an id is void as soon as someone files the message elsewhere.

Source: learn.microsoft.com/graph/outlook-immutable-id.
"""

_NO_MESSAGE = {"application/json", "text/html"}
"""What stands in for `$value` when a gateway, or Graph itself, has failed."""

_OBJECT = TypeAdapter(dict[str, Any])


class Page(BaseModel):
    """A page of a collection, and the link to the next one, or to what changes after it all."""

    value: list[dict[str, Any]]
    next_link: str = Field(default="", alias="@odata.nextLink")
    delta_link: str = Field(default="", alias="@odata.deltaLink")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """*prefer* goes with it beside the immutable ids; *meanings* go before the table of errors."""

    url: str
    method: Literal["GET", "POST", "PATCH", "DELETE"] = "GET"
    body: Mapping[str, Any] | None = None
    prefer: str = ""
    meanings: Meanings = field(default_factory=dict)
    max_bytes: int = MAX_JSON_BYTES

    def headers(self, token: str) -> dict[str, str]:
        preferred = ", ".join(filter(None, (IMMUTABLE_IDS, self.prefer)))
        return {"Authorization": f"Bearer {token}", "Prefer": preferred}


@dataclass(frozen=True, slots=True)
class GraphClient:
    """Graph, as the credentials of a mailbox open it.

    Paths are given segment by segment and not yet percent-encoded. *timeout* bounds each wait on
    the wire, *deadline* a whole call; *skew* is of Graph's clock. A rejected token is replaced
    once. All methods raise SourceGone, AccessFailed, Throttled, Unavailable, and whatever
    *meanings* name.
    """

    http: httpx.AsyncClient
    tokens: AccessTokens
    clock: Clock
    graph_url: str = GRAPH_URL
    timeout: timedelta = timedelta(seconds=30)
    deadline: timedelta = timedelta(minutes=2)
    downloads: DownloadLimits = field(default_factory=DownloadLimits)
    skew: ServerSkew = field(default_factory=ServerSkew)

    @property
    def host(self) -> str:
        return httpx.URL(self.graph_url).host

    async def download(self, mailbox: Mailbox, *path: str, max_bytes: int) -> bytes:
        """The content at *path*. Raises Unprocessable if there are more than *max_bytes*."""
        call = _Call(url=self.url(*path), max_bytes=max_bytes)
        try:
            response = await self._send(mailbox, call)
        except TooLarge as error:
            raise Unprocessable(f"the message has more than {max_bytes} bytes") from error
        if not response.body:
            raise Unavailable("Graph answered 200 with nothing")
        if (kind := response.content_type) in _NO_MESSAGE:
            raise Unavailable(f"Graph answered 200 with {kind}, which is no message")
        return response.body

    async def read(self, mailbox: Mailbox, *path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object at *path*."""
        return await self._object(mailbox, _Call(url=self.url(*path, query=query)))

    async def create(
        self, mailbox: Mailbox, *path: str, body: Mapping[str, Any], meanings: Meanings
    ) -> dict[str, Any]:
        """What POST has made of *body*."""
        call = _Call(method="POST", url=self.url(*path), body=body, meanings=meanings)
        return await self._object(mailbox, call)

    async def update(
        self, mailbox: Mailbox, *path: str, body: Mapping[str, Any], meanings: Meanings
    ) -> dict[str, Any]:
        """What PATCH, with the fields of *body*, has made of the object at *path*."""
        call = _Call(method="PATCH", url=self.url(*path), body=body, meanings=meanings)
        return await self._object(mailbox, call)

    async def delete(self, mailbox: Mailbox, *path: str, meanings: Meanings) -> None:
        await self._send(mailbox, _Call(method="DELETE", url=self.url(*path), meanings=meanings))

    async def pages(
        self, mailbox: Mailbox, *path: str, query: Mapping[str, str]
    ) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """The collection at *path*, page by page to its end (OData's `@odata.nextLink`)."""
        url = self.url(*path, query=query)
        for _ in range(MAX_PAGES):
            page = await self.page(mailbox, url)
            yield page.value
            if not page.next_link:
                return
            url = page.next_link
        raise Unavailable(f"Graph answered with more than {MAX_PAGES} pages")

    async def page(
        self, mailbox: Mailbox, url: str, *, prefer: str = "", meanings: Meanings | None = None
    ) -> Page:
        """The page at *url*, which may be a link that Graph gave."""
        if not self.leads_to(url):
            raise Unavailable("Graph answered with a link to another server")
        call = _Call(url=url, prefer=prefer, meanings=meanings or {})
        try:
            return Page.model_validate(await self._object(mailbox, call))
        except ValidationError:
            raise Unavailable("Graph answered something else than a page") from None

    def url(self, *path: str, query: Mapping[str, str] | None = None) -> str:
        return graph_address(self.graph_url, path, query or {})

    def leads_to(self, url: str) -> bool:
        """Whether *url* is at this Graph: our token goes with a link, and to nobody else."""
        return url.startswith(f"{self.graph_url}/")

    async def _object(self, mailbox: Mailbox, call: _Call) -> dict[str, Any]:
        try:
            return _OBJECT.validate_json((await self._send(mailbox, call)).body)
        except (TooLarge, ValidationError):
            raise Unavailable("Graph answered something else than an object") from None

    async def _send(self, mailbox: Mailbox, call: _Call) -> Response:
        token = await self.tokens.get(mailbox)
        try:
            return await self._send_once(call, token)
        except TokenRejected:
            return await self._send_once(call, await self.tokens.get(mailbox, rejected=token))

    async def _send_once(self, call: _Call, token: str) -> Response:
        with translated(PEER):  # a link of Graph's may be no URL
            request = self.http.build_request(
                call.method,
                call.url,
                json=call.body,
                headers=call.headers(token),
                timeout=self.timeout.total_seconds(),
            )
        sent_at = self.clock.now()
        response = await exchange(
            self.http,
            request,
            peer=PEER,
            max_bytes=call.max_bytes,
            deadline=self.deadline,
            downloads=self.downloads,
        )
        now = self.clock.now()
        self.skew.measure(response.headers, sent_at, now)
        if response.is_success:
            return response
        header = response.headers.get("Retry-After")
        wait = retry_after(header, self.skew.theirs(now), shortest=SHORTEST_WAIT)
        raise failure_of(response.status, response.body, wait, call.meanings)
