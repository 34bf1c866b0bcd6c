"""The account of an IMAP mailbox, and how one is made of options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from postroom.application.option_values import text, texts
from postroom.application.ports import AccountFactory, AccountOption, OptionValue
from postroom.domain.account import Account, InvalidAccount, Secret
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import Mailbox

NAME = "imap"

TLS_PORT = 993
MAX_PORT = 65535
INBOX = "INBOX"


class Security(StrEnum):
    """How the connection to an IMAP server is protected (RFC 8314)."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


OPTIONS = (
    AccountOption(name="host", help="The IMAP server.", required=True),
    AccountOption(name="port", help="Of the IMAP server.", default=str(TLS_PORT)),
    AccountOption(name="username", help="To log in with.", default="the address"),
    AccountOption(
        name="security",
        help="How the connection is protected (RFC 8314).",
        choices=tuple(Security),
        default=Security.TLS,
    ),
    AccountOption(name="folder", help="A folder to read.", repeatable=True, default=INBOX),
    AccountOption(
        name="password",
        help="To log in with.",
        required=True,
        secret=True,
        credential=True,
        variable="POSTROOM_MAILBOX_PASSWORD",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount(Account):
    host: str
    port: int
    username: str
    password: Secret
    security: Security = Security.TLS
    folders: tuple[str, ...] = (INBOX,)

    @property
    def server(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def provider(self) -> str:
        return NAME


def imap_account(mailbox: Mailbox) -> ImapAccount:
    """The account of *mailbox*. Raises AccessFailed if another provider has it."""
    if not isinstance(mailbox.account, ImapAccount):
        raise AccessFailed(f"the mailbox is at {mailbox.provider}, not on an IMAP server")
    return mailbox.account


class ImapAccounts(AccountFactory):
    def create(self, address: str, values: Mapping[str, OptionValue]) -> ImapAccount:
        return ImapAccount(
            host=text(values, "host"),
            port=_port(text(values, "port", str(TLS_PORT))),
            username=_login(text(values, "username", address), "--username"),
            password=_password(values),
            security=_security(text(values, "security", Security.TLS)),
            folders=texts(values, "folder", INBOX),
        )

    def reconnect(self, account: Account, values: Mapping[str, OptionValue]) -> ImapAccount:
        if not isinstance(account, ImapAccount):
            raise InvalidAccount("the mailbox is not on an IMAP server")
        return replace(account, password=_password(values))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= MAX_PORT):
        raise InvalidAccount(f"--port is not a number from 1 to {MAX_PORT}")
    return int(text)


def _security(text: str) -> Security:
    try:
        return Security(text)
    except ValueError:
        raise InvalidAccount(f"--security is not one of {', '.join(Security)}") from None


def _password(values: Mapping[str, OptionValue]) -> Secret:
    secret = values.get("password")
    if not isinstance(secret, Secret) or not secret.value:
        raise InvalidAccount("the password is missing")
    _login(secret.value, "the password")
    return secret


def _login(text: str, name: str) -> str:
    """*text*, which no command of IMAP can hold if it has more than one line."""
    if any(character in text for character in "\0\r\n"):
        raise InvalidAccount(f"{name} holds a line break or NUL")
    return text
