"""Having a provider send notifications, and reading what is sent."""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from postroom.application.ports.routes import Route, Routes
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.domain.subscription import Subscription


class NotificationsRefused(Exception):
    """The provider will not send notifications here; *reason* says why, and is fit for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SubscriptionGone(Exception):
    """The provider does not know the subscription any more."""


class Subscriptions(Protocol):
    """Has a provider notify us of new mail. Its methods raise AccessFailed, Throttled."""

    def are_ours(self, mailbox: Mailbox) -> bool:  # noqa: ARG002 - most providers have but one way
        """Whether we see to the notifications of that mailbox; else an operator does."""
        return True

    @abstractmethod
    def endpoint_of(self, mailbox: Mailbox) -> str:
        """What the notifications of that mailbox are to go to: our URL, or a topic."""

    @abstractmethod
    def obstacle(self, mailbox: Mailbox) -> str:
        """Why no notification of that mailbox can ever reach us; empty if one can."""

    @abstractmethod
    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        """Have notifications sent for *folder*; one of ours that there is gives way.

        It makes no difference to a position: what came in before is listed by a sync.

        Raises NotificationsRefused. What comes in before it returns may be announced to nobody.
        """

    @abstractmethod
    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        """Have *subscription* last as long, from now on, as a new one.

        Raises SubscriptionGone, NotificationsRefused.
        """

    @abstractmethod
    async def remove(self, mailbox: Mailbox, subscription_id: str) -> None:
        """End the subscription; not a failure if it is gone already."""

    @abstractmethod
    async def ids(self, mailbox: Mailbox) -> Sequence[str]:
        """Those that send notifications to us, as far as we are shown them.

        An application that signs in as itself sees those of all its mailboxes. Some providers show
        none.
        """


# --- What comes in ---


class NotificationResult(StrEnum):
    """Why a notification was queued, or why not, or what it requests: a metric's label."""

    ACCEPTED = "accepted"
    PAUSED = "paused"  # queued, and stored until the mailbox is resumed
    RENEW = "renew"  # a subscription's: noted for the next run, as are the next two
    RECREATE = "recreate"
    SYNC = "sync"
    IGNORED = "ignored"  # of a kind that we do not subscribe to
    MALFORMED = "malformed"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    UNKNOWN_MAILBOX = "unknown_mailbox"
    UNWRAPPED = "unwrapped"  # it lacks its envelope, and so what says which mailbox it is of
    BAD_SIGNATURE = "bad_signature"
    UNAVAILABLE = "unavailable"  # answered with 503, so that it is sent again


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A POST. *path* is what follows the provider's name; names of *headers* are in lower case."""

    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Handshake:
    """Not a notification: the provider wants *text* back, as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Announced:
    """There is something new, and *pointer* leads to it."""

    route: Route
    pointer: Pointer


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The provider requests that something be done about a subscription."""

    route: Route
    subscription_id: str
    request: Request


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing comes of it.

    *subscription_id* is what it claims, and empty if that is unreadable; so is *tenant*, unless it
    is proven.
    """

    result: NotificationResult
    subscription_id: str = ""
    tenant: str = ""
    mailbox: str = ""


Notification = Announced | Lifecycle | Rejected


class Unauthenticated(Exception):
    """It is not proven who sent this; the message says what was wrong, without the secret."""


class WebhookError(Exception):
    """The request as a whole is answered with an error, and *rejected*, if that says how.

    The message is a sentence for whoever operates the sender.
    """

    def __init__(self, message: str, rejected: Rejected | None = None) -> None:
        super().__init__(message)
        self.rejected = rejected


class InvalidWebhook(WebhookError):
    """400: it is not what this provider sends."""


class UnauthenticatedWebhook(WebhookError):
    """401: it is not proven who sent it."""


class ForbiddenWebhook(WebhookError):
    """403: it is proven who sent it, and they may not."""


class UnknownMailbox(WebhookError):
    """404: there is no mailbox that it could be of."""


class WebhookNotConfigured(WebhookError):
    """The operator has not set up what would prove who sent it."""


@dataclass(frozen=True, slots=True)
class SenderProof:
    """What proves who sent a request: a bearer token (RFC 6750), or something in a *header*."""

    description: str
    header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDescription:
    """What the OpenAPI description says of a provider's webhook, beside what holds for all.

    *body* is the JSON Schema of what is posted. *query* describes the parameters that there may be,
    by name. *handshake* says what is sent back as text, if there are handshakes. *proof* is None if
    what proves who sent it is in the body.
    """

    text: str = ""
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    handshake: str = ""
    proof: SenderProof | None = None


_PLAIN_ID = re.compile(r"[0-9A-Fa-f-]{16,64}")


class NotificationReader(Protocol):
    """The provider's half of `POST /webhooks/<provider>`: authenticate, then parse, then classify.

    It asks for nothing over the network but the keys that it verifies signatures with.
    """

    @property
    @abstractmethod
    def paths(self) -> Sequence[str]:
        """What may follow `/webhooks/<provider>`: the empty text, and others such as `/changes`."""

    @property
    @abstractmethod
    def accepted(self) -> int:
        """The HTTP status by which we acknowledge."""

    @property
    def reports_count(self) -> bool:
        """Whether an acknowledgement says how many were announced: `{"accepted": 2}`."""
        return False

    @property
    def description(self) -> WebhookDescription:
        return WebhookDescription()

    def loggable(self, subscription_id: str) -> str:
        """What may be logged of what a notification claims to be of: nothing but a plain id.

        Anybody can write anything there.
        """
        return subscription_id if _PLAIN_ID.fullmatch(subscription_id) else ""

    @abstractmethod
    async def read(
        self, request: WebhookRequest, routes: Routes
    ) -> Handshake | Sequence[Notification]:
        """What *request* is, or holds. Raises a WebhookError, Unavailable (to be sent again)."""
