"""The account of a Gmail mailbox."""

from dataclasses import dataclass
from typing import Literal

from postroom.domain.account import Account, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAccount(Account):
    """Domain-wide delegated access to one Gmail mailbox by a service account's JSON key.

    Notifications come from the Pub/Sub push subscription *pubsub_subscription*
    (`projects/…/subscriptions/…`), signed as *push_service_account*, the e-mail address of the
    service account that pushes.
    """

    service_account: Secret
    pubsub_subscription: str
    push_service_account: str
    provider: Literal["google"] = "google"

    @property
    def folders(self) -> tuple[str, ...]:
        return ("all mail",)

    def route(self, address: str) -> str:
        return f"{self.pubsub_subscription} {address.lower()}"
