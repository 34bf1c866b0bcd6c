"""A provider of notifications that a test refuses, removes and breaks; they run out by the
clock.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from postroom.application.ports import (
    Clock,
    NotificationsRefused,
    SubscriptionGone,
    Subscriptions,
)
from postroom.domain.failure import Failure, FolderMissing
from postroom.domain.mailbox import Mailbox
from postroom.domain.subscription import Subscription

LIFETIME = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class _Held:
    mailbox: Mailbox
    folder: str
    subscription: Subscription


@dataclass
class InMemorySubscriptions(Subscriptions):
    """*refusal* and *obstructed*, unless empty, are why none can be had, and why none would help.

    *shown* are the secrets that the notifications of each show. *failures* are raised one a call;
    *removed* holds the ids that were taken away on request, in order. *tokens* makes ids and
    secrets, each another text.
    """

    clock: Clock
    endpoint: str = "https://postroom.example/webhooks/provider"
    refusal: str = ""
    obstructed: str = ""
    tokens: Callable[[], str] = field(default=secrets.token_hex, repr=False)
    failures: list[Failure] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict, repr=False)
    removed: list[str] = field(default_factory=list)
    _held: dict[str, _Held] = field(default_factory=dict, repr=False)

    def lose(self, subscription_id: str) -> None:
        """The provider drops the subscription of its own accord."""
        del self._held[subscription_id]

    def live(self, mailbox: Mailbox) -> Sequence[str]:
        """The ids of those that *mailbox* itself has."""
        name = (mailbox.tenant, mailbox.id)
        held = self._live(mailbox).items()
        return [each for each, its in held if (its.mailbox.tenant, its.mailbox.id) == name]

    def endpoint_of(self, _: Mailbox) -> str:
        return self.endpoint

    def obstacle(self, _: Mailbox) -> str:
        return self.obstructed

    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        self._fail()
        if folder not in mailbox.account.folders:
            raise FolderMissing
        if self.refusal:
            raise NotificationsRefused(self.refusal)
        self._make_way(mailbox, folder)
        secret, now = self.tokens(), self.clock.now()
        subscription = Subscription(
            id=self.tokens(),
            secret_digest=hashlib.sha256(secret.encode()).hexdigest(),
            endpoint=self.endpoint,
            created_at=now,
            renewed_at=now,
            expires_at=now + LIFETIME,
        )
        self.shown[subscription.id] = secret
        self._held[subscription.id] = _Held(mailbox, folder, subscription)
        return subscription

    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        self._fail()
        held = self._live(mailbox).get(subscription.id)
        if held is None:
            raise SubscriptionGone
        now = self.clock.now()
        renewed = replace(subscription, renewed_at=now, expires_at=now + LIFETIME)
        self._held[subscription.id] = replace(held, subscription=renewed)
        return renewed

    async def remove(self, _: Mailbox, subscription_id: str) -> None:
        self._fail()
        if self._held.pop(subscription_id, None):
            self.removed.append(subscription_id)

    async def ids(self, mailbox: Mailbox) -> Sequence[str]:
        self._fail()
        live = self._live(mailbox).values()
        return [
            each.subscription.id for each in live if each.subscription.endpoint == self.endpoint
        ]

    def _live(self, mailbox: Mailbox) -> dict[str, _Held]:
        """Those that have not run out and that the mailbox's credentials show."""
        now, seen = self.clock.now(), _signed_in(mailbox)
        return {
            name: held
            for name, held in self._held.items()
            if held.subscription.is_live(now) and _signed_in(held.mailbox) == seen
        }

    def _make_way(self, mailbox: Mailbox, folder: str) -> None:
        """Where ours is: one with another endpoint is somebody else's."""
        place = (mailbox.tenant, mailbox.id, folder)
        for held in list(self._live(mailbox).values()):
            if (held.mailbox.tenant, held.mailbox.id, held.folder) == place:
                if held.subscription.endpoint != self.endpoint:
                    raise NotificationsRefused("another service has subscribed to this folder")
                del self._held[held.subscription.id]

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


def _signed_in(mailbox: Mailbox) -> object:
    """What shows the same subscriptions: a sign-in that opens several mailboxes shows them all."""
    return mailbox.provider, mailbox.account.sign_in_key
