"""`POST /webhooks/microsoft` and `POST /webhooks/microsoft/lifecycle`.

Graph may send items of both kinds together, so both do the same with whatever comes.
"""

from functools import partial
from typing import Annotated

from litestar import MediaType, Router, post
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter, RawBody
from litestar.response.base import ASGIResponse

from postroom.entrypoints.api.ingress import BODY_LIMIT
from postroom.entrypoints.api.microsoft.handler import NotificationHandler
from postroom.entrypoints.api.problems import INVALID_REQUEST, TOO_LARGE, UNAVAILABLE, described
from postroom.entrypoints.api.services import Services

MAX_TOKEN = 4096
"""Characters of a validation token. Graph's are some hundreds long."""

ACCEPTED = ASGIResponse(status_code=202, media_type=MediaType.TEXT)
"""The same for every notification, so made once: that takes as long as to classify a notification.
"""

ValidationToken = Annotated[str | None, QueryParameter(name="validationToken")]

_webhook = partial(
    post,
    status_code=202,
    media_type=MediaType.TEXT,
    tags=["webhooks"],
    responses={
        200: ResponseSpec(str, description="The validation token.", media_type=MediaType.TEXT),
        **described(INVALID_REQUEST, TOO_LARGE, UNAVAILABLE),
    },
)


def routes(services: Services) -> Router:
    handler = NotificationHandler(services)

    @_webhook("/webhooks/microsoft")
    async def receive_notification(body: RawBody, token: ValidationToken = None) -> ASGIResponse:
        """Queue the messages that Graph announces, or answer its validation handshake."""
        return await _answer(body, handler, token)

    @_webhook("/webhooks/microsoft/lifecycle")
    async def receive_lifecycle_notification(
        body: RawBody, token: ValidationToken = None
    ) -> ASGIResponse:
        """Note what Graph asks for about its subscriptions, or answer its validation handshake."""
        return await _answer(body, handler, token)

    return Router(
        "/",
        route_handlers=[receive_notification, receive_lifecycle_notification],
        request_max_body_size=BODY_LIMIT,
    )


async def _answer(body: bytes, handler: NotificationHandler, token: str | None) -> ASGIResponse:
    if token is not None:
        return _validated(token)
    await handler(body)
    return ACCEPTED


def _validated(token: str) -> ASGIResponse:
    """Prove that we want notifications: the token as it is, as text that no browser takes for
    HTML.
    """
    if not 0 < len(token) <= MAX_TOKEN or not token.isprintable():
        raise INVALID_REQUEST("validationToken is empty, too long, or has control characters.")
    return ASGIResponse(
        body=token, media_type=MediaType.TEXT, headers={"X-Content-Type-Options": "nosniff"}
    )
