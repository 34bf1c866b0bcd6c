"""A mailbox of a tenant: where it is, how to get in, and whether it receives."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from postroom.domain.access import NO_FAILURES, AccessTally

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class InvalidMailbox(ValueError):
    """The mailbox cannot be added as described; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows itself to nobody by accident: `repr` and `str` hide it."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "Secret(…)"


class Security(StrEnum):
    """How the connection to an IMAP server is protected (RFC 8314)."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """The application signs in as itself (app-only), with a secret of its own."""

    secret: Secret
    kind: Literal["secret"] = "secret"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The application signs in as itself (app-only): a certificate and its private key, in PEM."""

    certificate: Secret
    kind: Literal["certificate"] = "certificate"


@dataclass(frozen=True, slots=True)
class DelegatedAccess:
    """The application acts for a person who has signed in; each use may bring another token.

    *object_id* and *principal_name* are the person's in the directory; empty if nobody has noted
    who it was.
    """

    refresh_token: Secret
    object_id: str = ""
    principal_name: str = ""
    kind: Literal["delegated"] = "delegated"

    def is_of(self, user: str) -> bool:
        """Whether *user* is the person themselves; true as well if nobody has noted who it was."""
        known = {self.object_id.lower(), self.principal_name.lower()} - {""}
        return not known or user.lower() in known


MicrosoftCredentials = ClientSecret | ClientCertificate | DelegatedAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrosoftAccount:
    """Access to one Microsoft 365 mailbox (*user*: object id or principal name).

    *client_id* is an application that the *directory* knows. *folders* are well-known names, or
    full paths of display names (`Inbox/Orders`).
    """

    directory: str
    client_id: str
    credentials: MicrosoftCredentials
    user: str
    folders: tuple[str, ...] = ("inbox",)
    provider: Literal["microsoft"] = "microsoft"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAccount:
    """Domain-wide delegated access to one Gmail mailbox by a service account's JSON key.

    Notifications come from the Pub/Sub push subscription
    *pubsub_subscription* (`projects/…/subscriptions/…`), signed
    as *push_service_account*, the e-mail address of the service account that pushes.
    """

    service_account: Secret
    pubsub_subscription: str
    push_service_account: str
    provider: Literal["google"] = "google"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount:
    host: str
    port: int
    username: str
    password: Secret
    security: Security = Security.TLS
    folders: tuple[str, ...] = ("INBOX",)
    provider: Literal["imap"] = "imap"


Account = MicrosoftAccount | GoogleAccount | ImapAccount


class PausedBy(StrEnum):
    """Who paused a mailbox, and so who may let it go on: what a person paused, a person resumes."""

    OPERATOR = "operator"
    ACCESS = "access"  # we ourselves, since its access had failed for too long


@dataclass(frozen=True, slots=True)
class Pause:
    """Why none of a mailbox's jobs is worked on. They are kept, and new ones are queued."""

    by: PausedBy
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """*id* is a short name, unique within the tenant. *access* counts failures to get in."""

    tenant: str
    id: str
    address: str
    account: Account
    added_at: datetime
    paused: Pause | None = None
    access: AccessTally = NO_FAILURES

    def __post_init__(self) -> None:
        for what, value in (("tenant", self.tenant), ("mailbox", self.id)):
            if not _NAME.fullmatch(value):
                raise InvalidMailbox(
                    f"{what} {value!r}: use 1 to 63 of a-z 0-9 . _ - (a letter or digit first)"
                )
        if "@" not in self.address:
            raise InvalidMailbox(f"address {self.address!r}: use a full e-mail address")

    @property
    def provider(self) -> Literal["microsoft", "google", "imap"]:
        return self.account.provider


def folders_of(account: Account) -> tuple[str, ...]:
    """The folders that have a folder_sync each (see `domain/folder_sync.py`).

    A Gmail mailbox is received as a whole, and the folders of an IMAP mailbox by the listener.
    """
    match account:
        case MicrosoftAccount(folders=folders):
            return folders
        case GoogleAccount() | ImapAccount():
            return ()


def sign_in_of(account: Account) -> object:
    """What two mailboxes have in common that one and the same sign-in opens."""
    match account:
        case MicrosoftAccount(directory=directory, client_id=client_id, credentials=credentials):
            return directory, client_id, credentials
        case GoogleAccount() | ImapAccount():
            return account


def with_credentials(
    stored: Mailbox | None, known: Mailbox, credentials: MicrosoftCredentials
) -> MicrosoftAccount | None:
    """The account of *stored* with *credentials*, if it still has those that *known* has.

    None if it has others by now, is none of Microsoft's, or is gone.
    """
    ours, theirs = known.account, stored and stored.account
    if not isinstance(ours, MicrosoftAccount) or not isinstance(theirs, MicrosoftAccount):
        return None
    if theirs.credentials != ours.credentials:
        return None
    return replace(theirs, credentials=credentials)
