"""Pulling the notifications of a provider that cannot reach us, and who does it."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.application.ports.notifications import Announced, Rejected
from postroom.application.ports.routes import Routes
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Pulled:
    """A notification that was pulled; it comes again unless its *receipt* is acknowledged."""

    receipt: str
    notification: Announced | Rejected


class NotificationPuller(Protocol):
    """The provider's half of pulling. What a subscription holds waits there until it is pulled."""

    @abstractmethod
    def subscription_of(self, mailbox: Mailbox) -> str:
        """The subscription that holds the notifications of *mailbox*; empty if they are not pulled.

        Several mailboxes may share one.
        """

    @abstractmethod
    async def pull(self, mailbox: Mailbox, routes: Routes) -> Sequence[Pulled]:
        """Wait for notifications in the subscription of *mailbox*, by its credentials.

        After a minute or two there are none. Raises NotificationsRefused (with what to do about
        it), AccessFailed, Throttled, Unavailable.
        """

    @abstractmethod
    async def acknowledge(self, mailbox: Mailbox, receipts: Sequence[str]) -> None:
        """Let what was pulled, and queued or rejected for good, not come again. Raises as `pull`.

        A receipt that is too old is none.
        """


@dataclass(frozen=True, slots=True)
class PullState:
    """Somebody pulls a subscription until *leased_until*, and fails with *last_error*, if any."""

    leased_until: datetime
    last_error: str = ""


class PullStates(Protocol):
    """Who pulls which subscription, by provider and name: one process at a time.

    All methods raise Unavailable.
    """

    @abstractmethod
    async def claim(
        self, provider: str, subscription: str, now: datetime, lease: timedelta
    ) -> int | None:
        """A token that proves that the subscription is ours to pull; None if it is another's."""

    @abstractmethod
    async def save(
        self, provider: str, subscription: str, token: int, leased_until: datetime, last_error: str
    ) -> bool:
        """Hold on to the subscription, with what pulling it fails of; False if we have lost it."""

    @abstractmethod
    async def release(self, provider: str, subscription: str, token: int, now: datetime) -> None:
        """Let another have it at once; nothing happens if another has it already."""

    @abstractmethod
    async def find(self, provider: str, subscription: str) -> PullState | None:
        """None if nobody has ever pulled it."""
