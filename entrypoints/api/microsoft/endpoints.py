"""`POST /webhooks/microsoft` and `POST /webhooks/microsoft/lifecycle`.

Graph may send items of both kinds together, so both do the same with whatever comes.
"""

from typing import Annotated

from litestar import MediaType, Response, Router, post
from litestar.di import NamedDependency, Provide
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter, RawBody

from entrypoints.api.ingress import BODY_LIMIT
from entrypoints.api.microsoft.intake import Intake
from entrypoints.api.problems import INVALID_REQUEST, TOO_LARGE, UNAVAILABLE, described
from entrypoints.api.services import Services

MAX_TOKEN = 4096
"""Characters of a validation token. Graph's are some hundreds long."""

ValidationToken = Annotated[str | None, QueryParameter(name="validationToken")]

RESPONSES = {
    200: ResponseSpec(str, description="The validation token.", media_type=MediaType.TEXT),
    **described(INVALID_REQUEST, TOO_LARGE, UNAVAILABLE),
}


@post(
    "/webhooks/microsoft",
    status_code=202,
    media_type=MediaType.TEXT,
    tags=["webhooks"],
    responses=RESPONSES,
)
async def receive_notification(
    body: RawBody, intake: NamedDependency[Intake], token: ValidationToken = None
) -> Response[str]:
    """Queue the messages that Graph announces, or answer its validation handshake."""
    return await _answer(body, intake, token)


@post(
    "/webhooks/microsoft/lifecycle",
    status_code=202,
    media_type=MediaType.TEXT,
    tags=["webhooks"],
    responses=RESPONSES,
)
async def receive_lifecycle_notification(
    body: RawBody, intake: NamedDependency[Intake], token: ValidationToken = None
) -> Response[str]:
    """Note what Graph asks for about its subscriptions, or answer its validation handshake."""
    return await _answer(body, intake, token)


async def _answer(body: bytes, intake: Intake, token: str | None) -> Response[str]:
    if token is not None:
        return _validated(token)
    await intake(body)
    return Response("")


def _validated(token: str) -> Response[str]:
    """Prove that we want notices: the token as it is, as text that no browser takes for HTML."""
    if not 0 < len(token) <= MAX_TOKEN or not token.isprintable():
        raise INVALID_REQUEST("validationToken is empty, too long, or has control characters.")
    return Response(
        token,
        status_code=200,
        headers={"X-Content-Type-Options": "nosniff"},
    )


def routes(services: Services) -> Router:
    intake = Intake(services)
    return Router(
        "/",
        route_handlers=[receive_notification, receive_lifecycle_notification],
        dependencies={"intake": Provide(lambda: intake, sync_to_thread=False)},
        request_max_body_size=BODY_LIMIT,
    )
