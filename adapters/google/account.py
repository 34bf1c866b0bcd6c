"""The account of a Gmail mailbox, and how one is made of options."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from postroom.application.option_values import text
from postroom.application.ports import AccountFactory, AccountOption, OptionValue
from postroom.domain.account import Account, InvalidAccount, Secret

NAME = "google"

FOLDER = "all mail"
"""Gmail has labels in place of folders: a mailbox is synced as a whole."""

_SUBSCRIPTION_NAME = re.compile(
    r"projects/[a-z0-9][a-z0-9.:-]{0,99}/subscriptions/[A-Za-z][0-9A-Za-z_.~+-]{2,254}"
)

_KEY_FIELDS = ("client_email", "private_key", "token_uri")

_SERVICE_ACCOUNT = "service-account"
_SUBSCRIPTION = "pubsub-subscription"

_PULL = "pubsub-pull"

PUSHER = AccountOption(
    name="push-service-account",
    help="Service account that signs the pushes.",
    required=True,
    unless=(_PULL,),
)
OPTIONS = (
    AccountOption(
        name=_SERVICE_ACCOUNT,
        help="The service account's JSON key.",
        required=True,
        secret=True,
        credential=True,
    ),
    AccountOption(
        name=_SUBSCRIPTION,
        help="projects/…/subscriptions/… that pushes, or is pulled.",
        required=True,
    ),
    PUSHER,
    AccountOption(
        name=_PULL,
        help="Pull the notifications, by the service account, where Pub/Sub cannot reach us.",
        is_flag=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAccount(Account):
    """Domain-wide delegated access to one Gmail mailbox by a service account's JSON key.

    Notifications come from the Pub/Sub subscription *pubsub_subscription*
    (`projects/…/subscriptions/…`). They are pushed, signed as *push_service_account*, the e-mail
    address of the service account that pushes; or with *pubsub_pull* they are pulled. They name the
    mailbox by its *primary_address*, which Gmail states; it is empty before the first sync.
    """

    service_account: Secret
    pubsub_subscription: str
    push_service_account: str = ""
    pubsub_pull: bool = False
    primary_address: str = ""

    @property
    def provider(self) -> str:
        return NAME

    @property
    def folders(self) -> tuple[str, ...]:
        return (FOLDER,)

    def route(self, address: str) -> str:
        return route_of(self.pubsub_subscription, self.primary_address or address)


def is_subscription(text: str) -> bool:
    """Whether *text* is a name that Pub/Sub gives subscriptions, which is nobody's address."""
    return _SUBSCRIPTION_NAME.fullmatch(text) is not None


def route_of(pubsub_subscription: str, address: str) -> str:
    """What a push names: one subscription may serve several mailboxes."""
    return f"{pubsub_subscription} {address.lower()}"


def describe(account: Account) -> Mapping[str, str]:
    """How we are notified, and by which address, once that is known."""
    if not isinstance(account, GoogleAccount):
        return {}
    shown = {"notifications": "pulled" if account.pubsub_pull else "pushed"}
    stated = account.primary_address
    return {**shown, "primary_address": stated} if stated else shown


@dataclass(frozen=True, slots=True)
class GoogleAccounts(AccountFactory):
    """Where *push_accounts* are given, pushes of no others are heard."""

    push_accounts: Collection[str] = ()

    def create(self, address: str, values: Mapping[str, OptionValue]) -> GoogleAccount:  # noqa: ARG002 - the user is the mailbox's address
        is_pulled = values.get(_PULL, False) is True
        return GoogleAccount(
            service_account=_key(values),
            pubsub_subscription=_subscription(values, is_pulled=is_pulled),
            push_service_account=_no_pusher(values) if is_pulled else self._pusher(values),
            pubsub_pull=is_pulled,
        )

    def reconnect(self, account: Account, values: Mapping[str, OptionValue]) -> GoogleAccount:
        if not isinstance(account, GoogleAccount):
            raise InvalidAccount("the mailbox is not at Gmail")
        return replace(account, service_account=_key(values))

    def _pusher(self, values: Mapping[str, OptionValue]) -> str:
        pusher = text(values, PUSHER.name)
        if self.push_accounts and pusher.lower() not in self.push_accounts:
            raise InvalidAccount(
                "the push service account is none of POSTROOM_GOOGLE_PUSH_ACCOUNTS, so that its"
                " pushes would be refused: add it there, or leave that empty"
            )
        return pusher


def _subscription(values: Mapping[str, OptionValue], *, is_pulled: bool) -> str:
    subscription = text(values, _SUBSCRIPTION)
    if is_pulled and not is_subscription(subscription):
        raise InvalidAccount("the subscription is not a name such as projects/…/subscriptions/…")
    return subscription


def _no_pusher(values: Mapping[str, OptionValue]) -> str:
    if PUSHER.name in values:
        raise InvalidAccount("notifications are pulled or pushed: nobody pushes what is pulled")
    return ""


def _key(values: Mapping[str, OptionValue]) -> Secret:
    secret = values.get(_SERVICE_ACCOUNT)
    if not isinstance(secret, Secret):
        raise InvalidAccount("the service account's key is missing")
    if not _is_key(secret.value):
        raise InvalidAccount(
            "the service account's key is not one in JSON: create it in the Google Cloud console,"
            " under IAM, Service Accounts, Keys"
        )
    return secret


def _is_key(text: str) -> bool:
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(key, dict) or key.get("type") != "service_account":
        return False
    return all(isinstance(key.get(name), str) and key[name] for name in _KEY_FIELDS)
