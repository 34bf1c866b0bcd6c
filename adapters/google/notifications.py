"""Reads Pub/Sub pushes that say that a Gmail mailbox has changed.

https://developers.google.com/gmail/api/guides/push and
https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions. Only 102, 200, 201, 202 and
204 acknowledge a push. Anything else has it sent again for 7 days, so what can never be used is
acknowledged, and reported as rejected.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel, Field

from postroom.adapters.google.account import NAME, route_of
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.google.push import PushVerifier
from postroom.application.ports import (
    Announced,
    ForbiddenWebhook,
    NotificationReader,
    NotificationResult,
    Rejected,
    Route,
    Routes,
    SenderProof,
    Unauthenticated,
    UnauthenticatedWebhook,
    WebhookDescription,
    WebhookRequest,
    by_account,
)
from postroom.domain.pointer import MAX_TEXT


class PubsubMessage(BaseModel):
    data: str = Field(min_length=1)
    message_id: str = Field(default="", alias="messageId", max_length=MAX_TEXT)


class Envelope(BaseModel):
    """What Pub/Sub wraps around the notification. It may add fields: unknown ones are ignored."""

    message: PubsubMessage
    subscription: str = Field(min_length=1, max_length=MAX_TEXT)


class GmailNotification(BaseModel):
    """What Gmail says. *history_id* was seen as a string and as a number."""

    address: str = Field(alias="emailAddress")
    history_id: int = Field(alias="historyId", lt=2**64)


DESCRIPTION = WebhookDescription(
    text="Queue the change of a mailbox that Gmail announces through Pub/Sub.",
    body=Envelope.model_json_schema(),
    proof=SenderProof("The OIDC token of the service account that pushes."),
)


@dataclass(frozen=True, slots=True)
class GmailNotificationReader(NotificationReader):
    verify: PushVerifier

    @property
    def paths(self) -> Sequence[str]:
        return ("",)

    @property
    def accepted(self) -> int:
        return HTTPStatus.NO_CONTENT

    @property
    def description(self) -> WebhookDescription:
        return DESCRIPTION

    async def read(self, request: WebhookRequest, routes: Routes) -> Sequence[Announced | Rejected]:
        pusher = await self._pusher(request)
        try:
            subscription, pointer = _read(request.body)
        except ValueError:  # of the JSON, the base64, or the pointer
            return [Rejected(NotificationResult.MALFORMED)]
        key = by_account(NAME, route_of(subscription, pointer.address))
        route = (await routes.find([key])).get(key)
        if route is None:
            return [Rejected(NotificationResult.UNKNOWN_MAILBOX)]
        _require_pusher(route, pusher)
        return [Announced(route, pointer)]

    async def _pusher(self, request: WebhookRequest) -> str:
        """Who signed the push, before anything else of it is read."""
        try:
            return await self.verify(_bearer_token(request))
        except Unauthenticated:
            raise UnauthenticatedWebhook(
                "The token is not a valid one of Google for this address.",
                Rejected(NotificationResult.BAD_SIGNATURE),
            ) from None


def _bearer_token(request: WebhookRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedWebhook("Send `Authorization: Bearer <token>`.")
    return token.strip()


def _read(body: bytes) -> tuple[str, GooglePointer]:
    envelope = Envelope.model_validate_json(body)
    notification = GmailNotification.model_validate_json(_decoded(envelope.message.data))
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


def _require_pusher(route: Route, pusher: str) -> None:
    """Google signs for any service account, so it must be the one that pushes for this mailbox."""
    if pusher.casefold() == str(route.account.get("push_service_account")).casefold():
        return
    raise ForbiddenWebhook(
        "The push is signed as another service account than the mailbox's.",
        Rejected(NotificationResult.BAD_SIGNATURE, tenant=route.tenant, mailbox=route.id),
    )
