"""The account of a Gmail mailbox."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from postroom.adapters.google.labels import ALL_MAIL, INBOX_ALONE, LabelChoice
from postroom.domain.account import Account, Secret
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import Mailbox

NAME = "google"

NO_SECRET = Secret("")

FOLDER = "all mail"
"""Gmail has labels in place of folders: a mailbox has one history, and is synced as a whole."""

_SUBSCRIPTION_NAME = re.compile(
    r"projects/[a-z0-9][a-z0-9.:-]{0,99}/subscriptions/[A-Za-z][0-9A-Za-z_.~+-]{2,254}"
)


@dataclass(frozen=True, slots=True)
class PersonalAccess:
    """A person has let an OAuth client read their mail; *refresh_token* is empty until they have.

    It lasts until they withdraw that, change their password, or leave it unused for six months.
    """

    client_id: str
    client_secret: Secret
    refresh_token: Secret = NO_SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAccount(Account):
    """Access to one Gmail mailbox: by a service account's JSON key and domain-wide delegation, or
    as the *person* whose mailbox it is has allowed.

    Notifications come from the Pub/Sub subscription *pubsub_subscription*
    (`projects/…/subscriptions/…`; empty: none come, and the mailbox is polled). They are pushed,
    signed as *push_service_account*, the e-mail address of the service account that pushes; or with
    *pubsub_pull* they are pulled. They name the mailbox by its *primary_address*, which Gmail
    states; it is empty before the first sync. With a *pubsub_topic* (`projects/…/topics/…`) the
    mailbox is watched by us; without, by an operator.
    """

    service_account: Secret = NO_SECRET
    person: PersonalAccess | None = None
    pubsub_subscription: str = ""
    push_service_account: str = ""
    pubsub_pull: bool = False
    primary_address: str = ""
    labels: LabelChoice = INBOX_ALONE
    pubsub_topic: str = ""

    @property
    def provider(self) -> str:
        return NAME

    @property
    def folders(self) -> tuple[str, ...]:
        return (FOLDER,)

    def route(self, address: str) -> str:
        if not self.pubsub_subscription:
            return ""
        return route_of(self.pubsub_subscription, self.primary_address or address)

    @classmethod
    def upgraded(
        cls, plain: dict[str, Any], secrets: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if "labels" not in plain:  # all mail was received, and still is
            plain = plain | {"labels": asdict(ALL_MAIL)}
        return plain, secrets


def is_subscription(text: str) -> bool:
    """Whether *text* is a name that Pub/Sub gives subscriptions, which is nobody's address."""
    return _SUBSCRIPTION_NAME.fullmatch(text) is not None


def google_account(mailbox: Mailbox) -> GoogleAccount:
    """The account of *mailbox*. Raises AccessFailed if another provider has it."""
    if not isinstance(mailbox.account, GoogleAccount):
        raise AccessFailed(f"the mailbox is at {mailbox.provider}, not at google")
    return mailbox.account


def describe(account: Account) -> Mapping[str, str]:
    """Which mail is received, by what right, and how we are notified of it.

    The primary address is shown as soon as it is known.
    """
    if not isinstance(account, GoogleAccount):
        return {}
    shown = {"credentials": "delegated" if account.person else "service account"}
    if account.person:
        shown["client_id"] = account.person.client_id
    shown["labels"] = str(account.labels)
    if account.pubsub_subscription:
        shown["notifications"] = "pulled" if account.pubsub_pull else "pushed"
    else:
        shown["notifications"] = "none"
    stated = account.primary_address
    return {**shown, "primary_address": stated} if stated else shown


def route_of(pubsub_subscription: str, address: str) -> str:
    """What a push names: one subscription may serve several mailboxes."""
    return f"{pubsub_subscription} {address.lower()}"
