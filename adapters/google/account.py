"""The account of a Gmail mailbox, and how one is made of options."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from postroom.application.option_values import text
from postroom.application.ports import AccountFactory, AccountOption, OptionValue
from postroom.domain.account import Account, InvalidAccount, Secret

NAME = "google"

FOLDER = "all mail"
"""Gmail has labels in place of folders: a mailbox is synced as a whole."""

_KEY_FIELDS = ("client_email", "private_key", "token_uri")

_SERVICE_ACCOUNT = "service-account"
_SUBSCRIPTION = "pubsub-subscription"
_PUSHER = "push-service-account"
_TOPIC = "pubsub-topic"

_TOPIC_NAME = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")

OPTIONS = (
    AccountOption(
        name=_SERVICE_ACCOUNT,
        help="The service account's JSON key.",
        required=True,
        secret=True,
        credential=True,
    ),
    AccountOption(
        name=_SUBSCRIPTION, help="projects/…/subscriptions/… that pushes.", required=True
    ),
    AccountOption(name=_PUSHER, help="Service account that signs the pushes.", required=True),
    AccountOption(
        name=_TOPIC,
        help="projects/…/topics/… to watch the mailbox with; without, keep a watch yourself.",
        credential=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAccount(Account):
    """Domain-wide delegated access to one Gmail mailbox by a service account's JSON key.

    Notifications come from the Pub/Sub push subscription
    *pubsub_subscription* (`projects/…/subscriptions/…`), signed
    as *push_service_account*, the e-mail address of the service account that pushes. With a
    *pubsub_topic* (`projects/…/topics/…`) the mailbox is watched by us; without, by an operator.
    """

    service_account: Secret
    pubsub_subscription: str
    push_service_account: str
    pubsub_topic: str = ""

    @property
    def provider(self) -> str:
        return NAME

    @property
    def folders(self) -> tuple[str, ...]:
        return (FOLDER,)

    def route(self, address: str) -> str:
        return route_of(self.pubsub_subscription, address)


def route_of(pubsub_subscription: str, address: str) -> str:
    """What a push names: one subscription may serve several mailboxes."""
    return f"{pubsub_subscription} {address.lower()}"


class GoogleAccounts(AccountFactory):
    def create(self, address: str, values: Mapping[str, OptionValue]) -> GoogleAccount:  # noqa: ARG002 - the user is the mailbox's address
        return GoogleAccount(
            service_account=_key(values),
            pubsub_subscription=text(values, _SUBSCRIPTION),
            push_service_account=text(values, _PUSHER),
            pubsub_topic=_topic(values),
        )

    def reconnect(self, account: Account, values: Mapping[str, OptionValue]) -> GoogleAccount:
        if not isinstance(account, GoogleAccount):
            raise InvalidAccount("the mailbox is not at Gmail")
        topic = _topic(values) or account.pubsub_topic
        return replace(account, service_account=_key(values), pubsub_topic=topic)


def _topic(values: Mapping[str, OptionValue]) -> str:
    topic = text(values, _TOPIC) if _TOPIC in values else ""
    if topic and not _TOPIC_NAME.fullmatch(topic):
        raise InvalidAccount(f"--{_TOPIC} is not of the form projects/…/topics/…")
    return topic


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
