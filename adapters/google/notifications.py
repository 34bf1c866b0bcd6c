"""Reads Pub/Sub pushes that say that a Gmail mailbox has changed.

https://developers.google.com/gmail/api/guides/push and
https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions. Only 102, 200, 201, 202 and
204 acknowledge a push. Anything else has it sent again for 7 days, so what can never be used is
acknowledged, and reported as rejected.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import ValidationError

from postroom.adapters.google.account import NAME, is_subscription
from postroom.adapters.google.account_options import PUSHER
from postroom.adapters.google.announcements import announcements
from postroom.adapters.google.envelope import (
    Envelope,
    claimed_subscription,
    is_unwrapped,
)
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
)

NAMED_BY = "x-goog-pubsub-subscription-name"
"""The header that names the subscription of a push without an envelope, if it is to."""

DESCRIPTION = WebhookDescription(
    text="Queue the change of a mailbox that Gmail announces through Pub/Sub.",
    body=Envelope.model_json_schema(),
    proof=SenderProof("The OIDC token of the service account that pushes."),
)


@dataclass(frozen=True, slots=True)
class GmailNotificationReader(NotificationReader):
    """Google signs for any service account: those of *pushers* are heard, or, if there are none
    given, those of all mailboxes. Who is heard is known before anything is looked up.
    """

    verify: PushVerifier
    pushers: Collection[str] = ()

    @property
    def paths(self) -> Sequence[str]:
        return ("",)

    @property
    def accepted(self) -> int:
        return HTTPStatus.NO_CONTENT

    @property
    def description(self) -> WebhookDescription:
        return DESCRIPTION

    def loggable(self, subscription_id: str) -> str:
        return subscription_id if is_subscription(subscription_id) else ""

    async def read(self, request: WebhookRequest, routes: Routes) -> Sequence[Announced | Rejected]:
        pusher = await self._pusher(request)
        await self._require_heard(pusher, routes)
        try:
            envelope = Envelope.model_validate_json(request.body)
        except ValidationError:
            return [_without_envelope(request)]
        found = await announcements(envelope.subscription, [envelope.message], routes)
        for each in found:
            if isinstance(each, Announced):
                _require_pusher(each.route, pusher, envelope.subscription)
        return found

    async def _pusher(self, request: WebhookRequest) -> str:
        """Who signed the push, before anything else of it is read."""
        try:
            return await self.verify(_bearer_token(request))
        except Unauthenticated:
            raise UnauthenticatedWebhook(
                "The token is not a valid one of Google for this address.",
                Rejected(NotificationResult.BAD_SIGNATURE),
            ) from None

    async def _require_heard(self, pusher: str, routes: Routes) -> None:
        """A stranger learns nothing of any mailbox, and costs no query."""
        heard = self.pushers or await routes.account_values(NAME, PUSHER.field)
        if pusher.lower() not in heard:
            raise ForbiddenWebhook(
                "The push is signed as a service account that pushes for no mailbox here.",
                Rejected(NotificationResult.BAD_SIGNATURE),
            )


def _bearer_token(request: WebhookRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedWebhook("Send `Authorization: Bearer <token>`.")
    return token.strip()


def _without_envelope(request: WebhookRequest) -> Rejected:
    if is_unwrapped(request.body):
        return Rejected(NotificationResult.UNWRAPPED, request.headers.get(NAMED_BY, ""))
    return Rejected(NotificationResult.MALFORMED, claimed_subscription(request.body))


def _require_pusher(route: Route, pusher: str, subscription: str) -> None:
    """It must be the one that pushes for this mailbox."""
    if pusher.lower() == str(route.account.get(PUSHER.field)).lower():
        return
    raise ForbiddenWebhook(
        "The push is signed as another service account than the mailbox's.",
        Rejected(NotificationResult.BAD_SIGNATURE, subscription, route.tenant, route.id),
    )
