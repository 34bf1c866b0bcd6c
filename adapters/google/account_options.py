"""How the account of a Gmail mailbox is made of options, and given other credentials."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

from postroom.adapters.google.account import (
    NO_SECRET,
    GoogleAccount,
    PersonalAccess,
    is_subscription,
)
from postroom.adapters.google.labels import INBOX, NEVER, SENT, SYSTEM, Label, LabelChoice
from postroom.application.option_values import flag, text, texts
from postroom.application.ports import AccountFactory, AccountOption, OptionValue
from postroom.domain.account import Account, InvalidAccount, Secret

_KEY_FIELDS = ("client_email", "private_key", "token_uri")

_SERVICE_ACCOUNT, _DELEGATED = "service-account", "delegated"
_CLIENT_ID, _CLIENT_SECRET, PASTE = "client-id", "client-secret", "paste"
_LABEL, _ALL_MAIL, _EXCEPT_LABEL = "label", "all-mail", "except-label"
_SUBSCRIPTION, _TOPIC, PULL = "pubsub-subscription", "pubsub-topic", "pubsub-pull"

_TOPIC_NAME = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")

PUSHER = AccountOption(
    name="push-service-account",
    help="Service account that signs the pushes, if they are pushed.",
    credential=True,
)

OPTIONS = (
    AccountOption(
        name=_SERVICE_ACCOUNT,
        help="The JSON key of a service account with domain-wide delegation.",
        required=True,
        unless=(_DELEGATED,),
        secret=True,
        credential=True,
    ),
    AccountOption(
        name=_DELEGATED,
        help="Let the mailbox's user sign in, in a browser, instead.",
        is_flag=True,
        credential=True,
    ),
    AccountOption(
        name=_CLIENT_ID,
        help="Id of the OAuth client (a desktop app) that the user signs in to.",
        credential=True,
    ),
    AccountOption(
        name=_CLIENT_SECRET,
        help="The OAuth client's secret.",
        unless=(_SERVICE_ACCOUNT,),
        secret=True,
        credential=True,
        variable="POSTROOM_MAILBOX_CLIENT_SECRET",
    ),
    AccountOption(
        name=PASTE,
        help="The browser is on another machine: paste the address at which it ends.",
        is_flag=True,
        credential=True,
    ),
    AccountOption(
        name=_LABEL,
        help="A label whose mail is received; a user's own label by its whole name: Desk/Orders.",
        repeatable=True,
        default=INBOX,
    ),
    AccountOption(
        name=_ALL_MAIL,
        help="Receive all mail, archived or not, but what was sent, drafts, chats, spam and trash.",
        is_flag=True,
    ),
    AccountOption(
        name=_EXCEPT_LABEL,
        help="A label whose mail is not received, whatever else it has.",
        repeatable=True,
    ),
    AccountOption(
        name=_SUBSCRIPTION,
        help="projects/…/subscriptions/… that pushes, or is pulled; without, mail is polled for.",
        credential=True,
    ),
    PUSHER,
    AccountOption(
        name=PULL,
        help="Pull the notifications, by the service account, where Pub/Sub cannot reach us.",
        is_flag=True,
        credential=True,
    ),
    AccountOption(
        name=_TOPIC,
        help="projects/…/topics/… to watch the mailbox with; without, keep a watch yourself.",
        credential=True,
    ),
)


@dataclass(frozen=True, slots=True)
class GoogleAccounts(AccountFactory):
    """Where *push_accounts* are given, pushes of no others are heard."""

    push_accounts: Collection[str] = ()

    def create(self, address: str, values: Mapping[str, OptionValue]) -> GoogleAccount:  # noqa: ARG002 - the user is the mailbox's address
        account = GoogleAccount(**_credentials(values), labels=_labels(values))
        return self._notified(account, values)

    def reconnect(self, account: Account, values: Mapping[str, OptionValue]) -> GoogleAccount:
        """How it is notified stays as it is, as far as that is not given."""
        if not isinstance(account, GoogleAccount):
            raise InvalidAccount("the mailbox is not at Gmail")
        opened = replace(account, **_credentials(values, account.person))
        return self._notified(opened, values)

    def _notified(self, account: GoogleAccount, values: Mapping[str, OptionValue]) -> GoogleAccount:
        if _SUBSCRIPTION in values:
            account = self._subscribed(account, values)
        elif given := [name for name in (PUSHER.name, PULL) if name in values]:
            raise InvalidAccount(f"--{_SUBSCRIPTION} is missing: --{given[0]} says how it is used")
        if topic := _topic(values):
            account = replace(account, pubsub_topic=topic)
        if account.pubsub_topic and not account.pubsub_subscription:
            raise InvalidAccount(f"--{_SUBSCRIPTION} is missing: it passes on what --{_TOPIC} gets")
        if account.pubsub_pull and account.person:
            raise InvalidAccount(f"--{PULL} is for service accounts: a person's are pushed")
        return account

    def _subscribed(
        self, account: GoogleAccount, values: Mapping[str, OptionValue]
    ) -> GoogleAccount:
        is_pulled = flag(values, PULL)
        return replace(
            account,
            pubsub_subscription=_subscription(values, is_pulled=is_pulled),
            push_service_account=_no_pusher(values) if is_pulled else self._pusher(values),
            pubsub_pull=is_pulled,
        )

    def _pusher(self, values: Mapping[str, OptionValue]) -> str:
        pusher = text(values, PUSHER.name)
        if self.push_accounts and pusher.lower() not in self.push_accounts:
            raise InvalidAccount(
                "the push service account is none of POSTROOM_GOOGLE_PUSH_ACCOUNTS, so that its"
                " pushes would be refused: add it there, or leave that empty"
            )
        return pusher


class _Credentials(TypedDict):
    service_account: Secret
    person: PersonalAccess | None


def _credentials(
    values: Mapping[str, OptionValue], before: PersonalAccess | None = None
) -> _Credentials:
    """Those that were given; the OAuth client is the one *before* unless another is."""
    is_delegated, _ = flag(values, _DELEGATED), flag(values, PASTE)
    if not is_delegated:
        given = [name for name in (_CLIENT_ID, PASTE) if name in values]
        if given:
            raise InvalidAccount(f"--{given[0]} goes with --{_DELEGATED} alone")
        return _Credentials(service_account=_key(values), person=None)
    if _SERVICE_ACCOUNT in values:
        raise InvalidAccount(f"--{_SERVICE_ACCOUNT}-file or --{_DELEGATED}: choose one")
    client_id = text(values, _CLIENT_ID, before.client_id if before else "")
    secret = values.get(_CLIENT_SECRET)
    if secret is None and before and before.client_id == client_id:
        secret = before.client_secret
    if not isinstance(secret, Secret) or not secret.value:
        raise InvalidAccount(f"--{_CLIENT_SECRET}-file is missing")
    return _Credentials(service_account=NO_SECRET, person=PersonalAccess(client_id, secret))


def _labels(values: Mapping[str, OptionValue]) -> LabelChoice:
    is_all_mail = flag(values, _ALL_MAIL)
    if is_all_mail and _LABEL in values:
        raise InvalidAccount(f"--{_ALL_MAIL} is all mail, and --{_LABEL} a part of it: choose one")
    received = () if is_all_mail else _named(texts(values, _LABEL, INBOX))
    if unfit := [label.name for label in received if label.id in {SENT, *NEVER}]:
        raise InvalidAccount(f"--{_LABEL}: what is in {unfit[0]} never counts as inbound")
    left_out = _named(texts(values, _EXCEPT_LABEL, "")) if _EXCEPT_LABEL in values else ()
    return LabelChoice(received, left_out)


def _named(names: Iterable[str]) -> tuple[Label, ...]:
    labels = (_system(name.upper()) or Label(name) for name in names)
    return tuple(dict.fromkeys(labels))


def _system(name: str) -> Label | None:
    return Label(name, name) if name in SYSTEM else None


def _topic(values: Mapping[str, OptionValue]) -> str:
    topic = text(values, _TOPIC) if _TOPIC in values else ""
    if topic and not _TOPIC_NAME.fullmatch(topic):
        raise InvalidAccount(f"--{_TOPIC} is not of the form projects/…/topics/…")
    return topic


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
