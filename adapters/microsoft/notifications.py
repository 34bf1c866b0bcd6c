"""Reads what Graph posts: notifications of new messages, and of the life of the subscriptions.

Graph may send items of both kinds together, so both paths do the same with whatever comes. It waits
3 seconds for a 202, and after a 5xx it sends the whole collection again, for up to 4 hours.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from postroom.adapters.microsoft.notification_classification import classify, classify_sender
from postroom.adapters.microsoft.notification_items import NotificationItem, read_collection
from postroom.application.ports import (
    Handshake,
    InvalidWebhook,
    Notification,
    NotificationReader,
    NotificationResult,
    Rejected,
    Routes,
    Unauthenticated,
    WebhookDescription,
    WebhookRequest,
    by_subscription,
)

MAX_TOKEN = 4096
"""Characters of a token of the handshake. Graph's are some hundreds long."""


_DESCRIPTION = WebhookDescription(
    text="Queue the messages that Graph announces, and note what it requests of subscriptions.",
    query={"validationToken": "Asks us to prove that we want notifications."},
    handshake="The validation token.",
)


@dataclass(frozen=True, slots=True)
class GraphNotificationReader(NotificationReader):
    """*verify* returns which application a token of a rich notification is made out to.

    It raises Unauthenticated, and Unavailable.
    """

    verify: Callable[[str], Awaitable[str]]

    @property
    def paths(self) -> Sequence[str]:
        return "", "/lifecycle"

    @property
    def accepted(self) -> int:
        return HTTPStatus.ACCEPTED

    @property
    def description(self) -> WebhookDescription:
        return _DESCRIPTION

    async def read(
        self, request: WebhookRequest, routes: Routes
    ) -> Handshake | Sequence[Notification]:
        token = request.query.get("validationToken")
        if token is not None:
            return _handshake(token)
        collection = read_collection(request.body)
        if collection is None:
            raise InvalidWebhook("The body is not a Graph change notification.")
        items = collection.items()
        if items and not any(items):
            unreadable = Rejected(NotificationResult.MALFORMED)
            raise InvalidWebhook("No item of the notification could be read.", unreadable)
        classified = await _classified(items, routes)
        return (
            await self._verified(classified, collection.tokens) if collection.tokens else classified
        )

    async def _verified(
        self, classified: Sequence[Notification], tokens: Sequence[str]
    ) -> Sequence[Notification]:
        """A stranger, who knows no secret, has no token looked at."""
        if all(isinstance(each, Rejected) for each in classified):
            return classified
        applications = await self._applications(tokens)
        return [classify_sender(each, applications) for each in classified]

    async def _applications(self, tokens: Sequence[str]) -> Collection[str]:
        """Those that *tokens* are made out to; none if one of the tokens proves nothing."""
        try:
            return {await self.verify(token) for token in tokens}
        except Unauthenticated:
            return ()


async def _classified(
    items: Sequence[NotificationItem | None], routes: Routes
) -> Sequence[Notification]:
    """Each item classified. Routes are looked up for those that show a secret at all."""
    shown = {by_subscription(each.subscription_id) for each in items if each and each.client_state}
    found = await routes.find(sorted(shown)) if shown else {}
    return [classify(each, found) for each in items]


def _handshake(token: str) -> Handshake:
    if not 0 < len(token) <= MAX_TOKEN or not token.isprintable():
        raise InvalidWebhook("validationToken is empty, too long, or has control characters.")
    return Handshake(token)
