"""`POST /webhooks/google`: Pub/Sub pushes that say that a Gmail mailbox has changed.

https://developers.google.com/gmail/api/guides/push and
https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions. Only 102, 200, 201, 202 and
204 acknowledge a push. Anything else has it sent again for 7 days, so what can never be used is
acknowledged, told and counted.
"""

import base64
import binascii

from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import RawBody
from litestar.types import Guard
from pydantic import BaseModel, Field, ValidationError

from postroom.application.ports import Unauthenticated
from postroom.domain.mailbox import GoogleAccount, Mailbox
from postroom.domain.pointer import MAX_TEXT, GooglePointer, InvalidPointer
from postroom.entrypoints.api.bearer import Connection, bearer_token
from postroom.entrypoints.api.ingress import BODY_LIMIT, Batch, queue_all
from postroom.entrypoints.api.problems import (
    BAD_SIGNATURE,
    FORBIDDEN,
    TOO_LARGE,
    UNAVAILABLE,
    described,
)
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.notifications import NotificationResult, note


class PubsubMessage(BaseModel):
    data: str = Field(min_length=1)
    message_id: str = Field(default="", alias="messageId", max_length=MAX_TEXT)


class Envelope(BaseModel):
    """What Pub/Sub wraps around the notification. It may add fields: unknown ones are ignored."""

    message: PubsubMessage
    subscription: str = Field(min_length=1, max_length=MAX_TEXT)


class Notification(BaseModel):
    """What Gmail says. *history_id* was seen as a string and as a number."""

    address: str = Field(alias="emailAddress")
    history_id: int = Field(alias="historyId", lt=2**64)


def pushed_by_google(services: Services) -> Guard:
    """Let in what Google signed, as the service account that it names (`request.auth`)."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        token = bearer_token(connection)
        try:
            connection.scope["auth"] = await services.verify_push(token)
        except Unauthenticated:
            note(services.telemetry, "google", NotificationResult.BAD_SIGNATURE)
            raise BAD_SIGNATURE(
                "The token is not a valid one of Google for this address."
            ) from None

    return guard


@post(
    "/webhooks/google",
    status_code=204,
    tags=["webhooks"],
    security=[{"google": []}],
    responses=described(BAD_SIGNATURE, FORBIDDEN, TOO_LARGE, UNAVAILABLE),
)
async def receive_push(
    request: Request[object, str, State], body: RawBody, services: NamedDependency[Services]
) -> None:
    """Queue the change of a mailbox that Gmail announces through Pub/Sub."""
    try:
        subscription, pointer = _read(body)
    except (ValidationError, binascii.Error, InvalidPointer):
        note(services.telemetry, "google", NotificationResult.MALFORMED)
        return
    mailbox = await services.registry.of_push(subscription, pointer.address)
    if mailbox is None or not isinstance(mailbox.account, GoogleAccount):
        note(services.telemetry, "google", NotificationResult.UNKNOWN_MAILBOX)
        return
    _require_pusher(services, mailbox, mailbox.account, pusher=request.auth)
    await queue_all(services, [Batch(mailbox, [pointer], is_paused=mailbox.paused is not None)])


def _read(body: bytes) -> tuple[str, GooglePointer]:
    envelope = Envelope.model_validate_json(body)
    notification = Notification.model_validate_json(_decoded(envelope.message.data))
    pointer = GooglePointer(
        history_id=notification.history_id,
        address=notification.address,
        pubsub_message_id=envelope.message.message_id,
    )
    return envelope.subscription, pointer


def _decoded(data: str) -> bytes:
    """Base64 of either alphabet (RFC 4648 sections 4 and 5), padded or not."""
    standard = data.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _require_pusher(
    services: Services, mailbox: Mailbox, account: GoogleAccount, *, pusher: str
) -> None:
    """Google signs for any service account, so it must be the one that pushes for this mailbox."""
    if pusher.casefold() == account.push_service_account.casefold():
        return
    note(
        services.telemetry,
        "google",
        NotificationResult.BAD_SIGNATURE,
        tenant=mailbox.tenant,
        mailbox=mailbox.id,
    )
    raise FORBIDDEN("The push is signed as another service account than the mailbox's.")


def routes(services: Services) -> Router:
    return Router(
        "/",
        route_handlers=[receive_push],
        guards=[pushed_by_google(services)],
        request_max_body_size=BODY_LIMIT,
    )
