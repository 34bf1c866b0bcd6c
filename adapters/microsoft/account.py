"""The account of a Microsoft 365 mailbox."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

from postroom.domain.account import Account, Secret
from postroom.domain.failure import Unprocessable
from postroom.domain.mailbox import Mailbox


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
class MicrosoftAccount(Account):
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

    @property
    def sign_in_key(self) -> Hashable:
        return self.directory, self.client_id, self.credentials

    @classmethod
    def upgraded(
        cls, plain: dict[str, Any], secrets: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if "client_secret" in secrets:  # the only credentials that there were
            plain = plain | {"credentials": {"kind": "secret"}}
            secrets = secrets | {"credentials": {"secret": secrets["client_secret"]}}
        if "client_state" in secrets:  # of a subscription that was made elsewhere, for one folder
            plain = plain | {"folders": [plain["folder"]]}
        return _without(plain, "folder", "subscription_id"), _without(
            secrets, "client_secret", "client_state"
        )


def _without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def microsoft_account(mailbox: Mailbox) -> MicrosoftAccount:
    """The account of *mailbox*. Raises Unprocessable if another provider has it."""
    if not isinstance(mailbox.account, MicrosoftAccount):
        raise Unprocessable(f"a {mailbox.provider} mailbox has no place in Graph")
    return mailbox.account
