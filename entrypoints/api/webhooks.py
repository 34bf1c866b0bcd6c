"""`POST /webhooks/<provider>`, for each provider that sends notifications."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from litestar import MediaType, Request, Router, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.serialization import encode_json

from postroom.application.ports import Handshake, NotificationReader, Provider, WebhookRequest
from postroom.entrypoints.api.body import read_body
from postroom.entrypoints.api.ingress import BODY_LIMIT
from postroom.entrypoints.api.route_cache import RouteCache
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.api.webhook_handler import WebhookHandler
from postroom.entrypoints.api.webhook_schema import operation_of, responses_of, security_of

_NO_QUERY: Mapping[str, str] = {}


def routes(services: Services) -> Router:
    cache = RouteCache(services.routes, services.clock)
    return Router(
        "/webhooks",
        route_handlers=[
            _endpoint(
                provider, reader, WebhookHandler(services, provider.name, reader, cache), path
            )
            for provider in services.providers.values()
            if (reader := provider.notifications)
            for path in reader.paths
        ],
        tags=["webhooks"],
    )


def _endpoint(
    provider: Provider, reader: NotificationReader, handle: WebhookHandler, path: str
) -> HTTPRouteHandler:
    # Made once for all requests: that takes as long as to read a notification.
    accepted = ASGIResponse(status_code=reader.accepted, media_type=MediaType.TEXT)
    description = reader.description

    @post(
        f"/{provider.name}{path}",
        status_code=200,  # for the description's sake: of a handshake, if there are any
        summary=f"Notifications of {provider.title}",
        description=description.text or f"Queue what {provider.title} announces.",
        responses=responses_of(reader),
        security=security_of(provider.name, description),
        operation_class=operation_of(reader),
    )
    async def receive(request: Request[object, object, State]) -> ASGIResponse:
        found = await handle(await _read(path, request))
        if isinstance(found, Handshake):
            return _handshake(found)
        return _counted(found, reader.accepted) if reader.reports_count else accepted

    return receive


async def _read(path: str, request: Request[object, object, State]) -> WebhookRequest:
    scope = request.scope
    headers = {
        name.decode("latin-1"): value.decode("latin-1")  # ASGI has the names in lower case
        for name, value in scope["headers"]
    }
    query = scope["query_string"]
    body = await read_body(request.receive, headers, BODY_LIMIT)
    return WebhookRequest(path, headers, _parsed(query) if query else _NO_QUERY, body)


def _parsed(query: bytes) -> Mapping[str, str]:
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _handshake(handshake: Handshake) -> ASGIResponse:
    """The text as it is, as text that no browser takes for HTML."""
    return ASGIResponse(
        body=handshake.text,
        media_type=MediaType.TEXT,
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _counted(count: int, status: int) -> ASGIResponse:
    return ASGIResponse(body=encode_json({"accepted": count}), status_code=status)
