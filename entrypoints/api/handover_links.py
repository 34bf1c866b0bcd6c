"""`/api/v1/handovers/{key}/…`: what the links of a message lead to that is handed over.

They take a content token, or the tenant's own; never in the URL, which is logged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import SecurityScheme
from litestar.params import FromPath

from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import HandoverRecord
from postroom.domain.handover.content_token import is_content_token
from postroom.domain.mail.contents import Content
from postroom.entrypoints.api.bearer import REFUSED, bearer_token, tenants_by_token
from postroom.entrypoints.api.byte_ranges import answer
from postroom.entrypoints.api.files import harmless, saved_as
from postroom.entrypoints.api.problems import (
    INVALID_REQUEST,
    NO_SUCH_RANGE,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNAVAILABLE,
    described,
)

CONTENT_TOKEN = SecurityScheme(
    type="http", scheme="bearer", description="The `postroom-content-token` of a call."
)

BYTES = "application/octet-stream"
RESPONSES = {
    206: ResponseSpec(
        bytes, description="The range that was wanted.", media_type=BYTES, generate_examples=False
    ),
    **described(INVALID_REQUEST, UNAUTHENTICATED, NOT_FOUND, NO_SUCH_RANGE, UNAVAILABLE),
}

_Request = Request[object, object, State]


@dataclass(frozen=True, slots=True)
class HandoverLinks:
    """*tenant_of* says whose an API token is."""

    open: OpenLinks
    read: ReadContent
    tenant_of: Callable[[str], str | None]

    async def opened(self, request: _Request, key: str) -> HandoverRecord:
        """The message whose links may be followed. Raises the same whatever is wrong with whose."""
        token = bearer_token(request)
        if is_content_token(token):
            record = await self.open.for_token(token, key)
        elif tenant := self.tenant_of(token):
            record = await self.open.for_tenant(tenant, key)
            if record is None:
                raise NOT_FOUND("There is no such message.")
        else:
            record = None
        if record is None:
            raise UNAUTHENTICATED("The token opens nothing here.", headers=REFUSED)
        return record


@get("/raw", media_type="message/rfc822", responses=RESPONSES)
async def raw(
    request: _Request,
    record: NamedDependency[HandoverRecord],
    links: NamedDependency[HandoverLinks],
) -> Response[bytes]:
    """The message as it came."""
    return _sent(request, await links.read.original(record))


@get("/parts/{part:str}", media_type=BYTES, responses=RESPONSES)
async def part(
    request: _Request,
    part: FromPath[str],
    record: NamedDependency[HandoverRecord],
    links: NamedDependency[HandoverLinks],
) -> Response[bytes]:
    """A part of the message, decoded, by its `partId`."""
    return _sent(request, await links.read.part(record, part))


@get("/html", media_type=BYTES, responses=RESPONSES)
async def html(
    request: _Request,
    record: NamedDependency[HandoverRecord],
    links: NamedDependency[HandoverLinks],
) -> Response[bytes]:
    """The HTML as its sender wrote it, in UTF-8. It is hostile: never show it as it is."""
    return _sent(request, await links.read.html(record))


@get("/text", media_type="text/plain", responses=RESPONSES)
async def text(
    request: _Request,
    record: NamedDependency[HandoverRecord],
    links: NamedDependency[HandoverLinks],
) -> Response[bytes]:
    """All of the text, in UTF-8."""
    return _sent(request, await links.read.text(record))


def _sent(request: _Request, content: Content | None) -> Response[bytes]:
    if content is None:
        raise NOT_FOUND("There is nothing here, or not any more.")
    found = answer(_headers(request), f'"{content.sha256}"', len(content.body))
    if found.status == NO_SUCH_RANGE.status:
        raise NO_SUCH_RANGE(headers=found.headers)
    return Response(
        content.body[found.start : found.end],
        status_code=found.status,
        headers={
            **saved_as(content.filename),
            **found.headers,
            "content-type": _media_type(content.content_type),
        },
    )


def _headers(request: _Request) -> Mapping[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _media_type(content_type: str) -> str:
    """With a charset only where that is ours."""
    kind = harmless(content_type)
    return content_type if content_type.startswith(f"{kind};") else kind


def routes(links: HandoverLinks) -> Router:
    async def opened(request: _Request, key: FromPath[str]) -> HandoverRecord:
        return await links.opened(request, key)

    return Router(
        "/api/v1/handovers/{key:str}",
        route_handlers=[raw, part, html, text],
        dependencies={
            "record": Provide(opened),
            "links": Provide(lambda: links, sync_to_thread=False),
        },
        security=[{"token": []}, {"contentToken": []}],
        tags=["handovers"],
    )


def links_of(
    open_links: OpenLinks, read_content: ReadContent, api_tokens: Mapping[str, str]
) -> HandoverLinks:
    """*api_tokens*: tenant by bearer token."""
    return HandoverLinks(open_links, read_content, tenants_by_token(api_tokens))
