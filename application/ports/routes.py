"""Which mailbox a notification is of."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


def by_subscription(subscription_id: str) -> str:
    """The key of the folder that a subscription of ours is of."""
    return f"subscription:{subscription_id}"


def by_account(provider: str, route: str) -> str:
    """The key of the mailbox whose account has that *route* (see `Account.route`)."""
    return f"account:{provider}:{route}"


def by_mailbox(tenant: str, mailbox_id: str) -> str:
    """The key of the mailbox itself, for whoever knows it by name."""
    return f"mailbox:{tenant}/{mailbox_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a notification leads: a mailbox (*id*), and its *folder* if a subscription does.

    A notification of a subscription shows a secret of the SHA-256 digest *secret_digest* (hex).
    *account* holds the fields of the account that are no secrets.
    """

    tenant: str
    id: str
    provider: str
    folder: str = ""
    secret_digest: str = ""
    is_paused: bool = False
    account: Mapping[str, Any] = field(default_factory=dict)


class Routes(Protocol):
    """Where notifications lead, by keys: see `by_subscription`, `by_account`, `by_mailbox`."""

    @abstractmethod
    async def find(self, keys: Sequence[str]) -> Mapping[str, Route]:
        """The routes of those of *keys* that lead anywhere. It needs no key to the credentials.

        Raises Unavailable.
        """

    @abstractmethod
    async def account_values(self, provider: str, field: str) -> frozenset[str]:
        """What the accounts of *provider* have in a text *field* that is no secret, in lower case.

        Raises Unavailable.
        """
