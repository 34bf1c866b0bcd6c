"""What is to become of a notification: each is classified for itself, by the secret that it
shows.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from postroom.application.ports import SubscribedFolder
from postroom.domain.folder_sync import Request
from postroom.domain.pointer import InvalidPointer, MicrosoftPointer
from postroom.entrypoints.api.microsoft.responses import Notification
from postroom.entrypoints.telemetry.notifications import NotificationResult

REQUESTS = {
    "reauthorizationRequired": Request.RENEW,
    "subscriptionRemoved": Request.RECREATE,
    "missed": Request.SYNC,
}
"""learn.microsoft.com/graph/change-notifications-lifecycle-events"""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """There is a new message."""

    subscribed_folder: SubscribedFolder
    pointer: MicrosoftPointer

    @property
    def subscription_id(self) -> str:
        return self.pointer.subscription_id


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Graph asks for something to be done about a subscription."""

    subscribed_folder: SubscribedFolder
    subscription_id: str
    request: Request


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing comes of it. *subscription_id* is what it claims, and empty if that is unreadable."""

    result: NotificationResult
    subscription_id: str = ""


Classified = NewMessage | Lifecycle | Rejected


def classify(
    notification: Notification | None, subscribed_folders: Mapping[str, SubscribedFolder]
) -> Classified:
    """What becomes of *notification*, which is None if it could not be read.

    *subscribed_folders* are by subscription id, for the notifications that show a secret at all.
    """
    if notification is None:
        return Rejected(NotificationResult.MALFORMED)
    subscription_id = notification.subscription_id
    if not notification.client_state:
        return Rejected(NotificationResult.BAD_SIGNATURE, subscription_id)
    subscribed_folder = subscribed_folders.get(subscription_id)
    if subscribed_folder is None or subscribed_folder.provider != "microsoft":
        return Rejected(NotificationResult.UNKNOWN_SUBSCRIPTION, subscription_id)
    if not _proves(notification.client_state, subscribed_folder.secret_digest):
        return Rejected(NotificationResult.BAD_SIGNATURE, subscription_id)
    return _classified(notification, subscribed_folder)


def verified(classified: Classified, applications: Collection[str]) -> Classified:
    """*classified* of an item whose notification has tokens, which are made out to *applications*.

    An item of any other application's mailbox is refused.
    """
    if isinstance(classified, Rejected) or classified.subscribed_folder.application in applications:
        return classified
    return Rejected(NotificationResult.BAD_SIGNATURE, classified.subscription_id)


def _proves(shown: str, secret_digest: str) -> bool:
    """Compared in constant time; where there is no secret, nothing is proven."""
    digest = hashlib.sha256(shown.encode()).hexdigest()
    return bool(secret_digest) and hmac.compare_digest(digest, secret_digest)


def _classified(notification: Notification, subscribed_folder: SubscribedFolder) -> Classified:
    subscription_id = notification.subscription_id
    if notification.lifecycle_event is not None:
        request = REQUESTS.get(notification.lifecycle_event)
        if request is None:
            return Rejected(NotificationResult.IGNORED, subscription_id)
        return Lifecycle(subscribed_folder, subscription_id, request)
    if notification.change_type != "created":
        return Rejected(NotificationResult.IGNORED, subscription_id)
    try:
        return NewMessage(subscribed_folder, notification.pointer())
    except InvalidPointer:
        return Rejected(NotificationResult.MALFORMED, subscription_id)
