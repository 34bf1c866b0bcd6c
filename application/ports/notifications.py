"""Having a provider send notifications, and proving who sent one."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from postroom.domain.folder_sync import Subscription
from postroom.domain.mailbox import Mailbox


class NotificationsRefused(Exception):
    """The provider will not send notifications here; *reason* says why, and is fit for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SubscriptionGone(Exception):
    """The provider does not know the subscription any more."""


class Subscriptions(Protocol):
    """Has a provider tell us of new mail. Its methods raise AccessFailed, Throttled."""

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """The URL that notifications are to go to."""

    @abstractmethod
    def obstacle(self, mailbox: Mailbox) -> str:
        """Why no notification of that mailbox can ever reach us as things are; empty if it can."""

    @abstractmethod
    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        """Have notifications sent for *folder*; one of ours that there is gives way.

        Raises NotificationsRefused. Nobody may have been told of what comes in before it returns.
        """

    @abstractmethod
    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        """Have *subscription* last as long, from now on, as a new one. Raises SubscriptionGone."""

    @abstractmethod
    async def remove(self, mailbox: Mailbox, subscription_id: str) -> None:
        """End the subscription; not a failure if it is gone already."""

    @abstractmethod
    async def ids(self, mailbox: Mailbox) -> Sequence[str]:
        """The subscriptions that send notifications to *endpoint*, as far as its credentials show
        them.

        An application that signs in as itself sees those of all its mailboxes.
        """


class Unauthenticated(Exception):
    """It is not proven who sent this; the message says what was wrong, without the secret."""


class PushVerifier(Protocol):
    """Proves who signed a Pub/Sub push (OIDC: signature, audience, issuer, expiry)."""

    @abstractmethod
    async def __call__(self, token: str) -> str:
        """The verified e-mail address of the service account that signed *token*.

        Raises Unauthenticated; Unavailable while there are no keys to prove it by.
        """


class NotificationTokenVerifier(Protocol):
    """Proves that Microsoft Graph has sent a rich notification (signature, sender, expiry)."""

    @abstractmethod
    async def __call__(self, token: str) -> str:
        """The client id of the application that *token* is made out to.

        Raises Unauthenticated; Unavailable while there are no keys to prove it by.
        """
