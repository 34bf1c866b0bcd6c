"""What becomes of a notification: each item is classified for itself, by the secret it shows."""

import hashlib
import hmac
from collections.abc import Collection, Mapping

from postroom.adapters.microsoft.notification_items import NotificationItem
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import (
    Announced,
    Lifecycle,
    Notification,
    NotificationResult,
    Rejected,
    Route,
    by_subscription,
)
from postroom.domain.folder_sync import Request
from postroom.domain.pointer import InvalidPointer

REQUESTS = {
    "reauthorizationRequired": Request.RENEW,
    "subscriptionRemoved": Request.RECREATE,
    "missed": Request.SYNC,
}
"""learn.microsoft.com/graph/change-notifications-lifecycle-events"""


def classify(item: NotificationItem | None, routes: Mapping[str, Route]) -> Notification:
    """What becomes of *item*, which is None if it could not be read.

    *routes* hold at least those of the subscriptions whose items show a secret.
    """
    if item is None:
        return Rejected(NotificationResult.MALFORMED)
    if not item.client_state:
        return Rejected(NotificationResult.BAD_SIGNATURE, item.claimed_id)
    route = routes.get(by_subscription(item.subscription_id))
    if route is None or route.provider != MicrosoftPointer.provider:
        return Rejected(NotificationResult.UNKNOWN_SUBSCRIPTION, item.claimed_id)
    if not _proves(item.client_state, route.secret_digest):
        return Rejected(NotificationResult.BAD_SIGNATURE, item.claimed_id)
    return _classify(item, route)


def classify_sender(classified: Notification, applications: Collection[str]) -> Notification:
    """What becomes of an item that came with tokens, which are made out to *applications*.

    One of any other application's mailbox is rejected.
    """
    if (
        isinstance(classified, Rejected)
        or classified.route.account.get("client_id") in applications
    ):
        return classified
    return Rejected(NotificationResult.BAD_SIGNATURE, _subscription_id(classified))


def _proves(shown: str, secret_digest: str) -> bool:
    """Compared in constant time; where there is no secret, nothing is proven."""
    digest = hashlib.sha256(shown.encode()).hexdigest()
    return bool(secret_digest) and hmac.compare_digest(digest, secret_digest)


def _classify(item: NotificationItem, route: Route) -> Notification:
    if item.lifecycle_event is not None:
        request = REQUESTS.get(item.lifecycle_event)
        if request is None:
            return _rejected(NotificationResult.IGNORED, item, route)
        return Lifecycle(route, item.subscription_id, request)
    if item.change_type != "created":
        return _rejected(NotificationResult.IGNORED, item, route)
    try:
        return Announced(route, item.pointer())
    except InvalidPointer:
        return _rejected(NotificationResult.MALFORMED, item, route)


def _rejected(result: NotificationResult, item: NotificationItem, route: Route) -> Rejected:
    """Of an item that has proven whose it is."""
    return Rejected(result, item.subscription_id, route.tenant, route.id)


def _subscription_id(classified: Announced | Lifecycle) -> str:
    match classified:
        case Lifecycle(subscription_id=found):
            return found
        case Announced(pointer=MicrosoftPointer(subscription_id=found)):
            return found
        case _:
            return ""
