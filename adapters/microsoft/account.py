"""The account of a Microsoft 365 mailbox, and the options that it is made of."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from postroom.application.option_values import text, texts
from postroom.application.ports import AccountFactory, AccountOption, OptionValue
from postroom.domain.account import Account, InvalidAccount, Secret
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

NOBODY_YET: Final = DelegatedAccess(Secret(""))
"""Stands for the access of a person who has still to sign in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrosoftAccount(Account):
    """Access to one Microsoft 365 mailbox (*user*: object id or principal name).

    *client_id* is an application that the *directory* knows. *folders* are well-known names, or
    full paths of display names (`Inbox/Orders`). The fields are stored under their names.
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
    return as_microsoft(mailbox.account)


def as_microsoft(account: Account) -> MicrosoftAccount:
    """*account* itself. Raises Unprocessable if it is another provider's."""
    if not isinstance(account, MicrosoftAccount):
        raise Unprocessable(f"a {account.provider} mailbox has no place in Graph")
    return account


OPTIONS: Final = (
    AccountOption(
        name="directory", help="Directory (tenant) id in Microsoft Entra.", required=True
    ),
    AccountOption(name="client-id", help="Application (client) id.", required=True),
    AccountOption(name="user", help="Object id or principal name.", default="the address"),
    AccountOption(
        name="folder",
        help="A well-known name, or a full path: Inbox/Orders.",
        repeatable=True,
        default="inbox",
    ),
    AccountOption(
        name="client-secret",
        help="The Value of a client secret.",
        required=True,
        unless=("certificate", "delegated"),
        secret=True,
        credential=True,
        variable="POSTROOM_MAILBOX_CLIENT_SECRET",
    ),
    AccountOption(
        name="certificate",
        help="Sign in with this certificate and key (PEM) instead of a secret.",
        secret=True,
        credential=True,
    ),
    AccountOption(
        name="delegated",
        help="Let a person sign in, in a browser of their own.",
        is_flag=True,
        credential=True,
    ),
)


_WAYS: Final = {
    "client-secret": "--client-secret-file",
    "certificate": "--certificate-file",
    "delegated": "--delegated",
}
"""The options that say how to sign in, as they are given."""


class MicrosoftAccounts(AccountFactory):
    """Where a person is to sign in, the account has the credentials of NOBODY_YET."""

    def create(self, address: str, values: Mapping[str, OptionValue]) -> MicrosoftAccount:
        return MicrosoftAccount(
            directory=text(values, "directory"),
            client_id=text(values, "client-id"),
            credentials=_credentials(values),
            user=text(values, "user", address),
            folders=texts(values, "folder", "inbox"),
        )

    def reconnect(self, account: Account, values: Mapping[str, OptionValue]) -> MicrosoftAccount:
        if not isinstance(account, MicrosoftAccount):
            raise InvalidAccount("there is no Microsoft account that other credentials would open")
        return replace(account, credentials=_credentials(values))


def _credentials(values: Mapping[str, OptionValue]) -> MicrosoftCredentials:
    given = [name for name in _WAYS if values.get(name, False) is not False]
    if len(given) > 1:
        raise InvalidAccount(f"these are different ways to sign in: {_listed(given)}")
    if not given:
        raise InvalidAccount(f"one way to sign in is needed: {_listed(_WAYS)}")
    match given, values[given[0]]:
        case ["client-secret"], Secret(value) as secret if value:
            return ClientSecret(secret)
        case ["certificate"], Secret(value) as certificate if value:
            return ClientCertificate(certificate)
        case ["delegated"], True:
            return NOBODY_YET
        case _:
            raise InvalidAccount(f"{_listed(given)} gives nothing to sign in with")


def _listed(ways: Iterable[str]) -> str:
    return ", ".join(_WAYS[way] for way in ways)


def describe(account: Account) -> Mapping[str, str]:
    """Of which kind the credentials are, and who has signed in, where a person has."""
    if not isinstance(account, MicrosoftAccount):
        return {}
    match account.credentials:
        case DelegatedAccess(object_id=object_id, principal_name=name) as access:
            return {"credentials": access.kind, "object_id": object_id, "principal_name": name}
        case credentials:
            return {"credentials": credentials.kind}
