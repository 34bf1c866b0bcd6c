"""The account of a mailbox on an IMAP server."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from postroom.domain.account import Account, Secret


class Security(StrEnum):
    """How the connection to an IMAP server is protected (RFC 8314)."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount(Account):
    host: str
    port: int
    username: str
    password: Secret
    security: Security = Security.TLS
    folders: tuple[str, ...] = ("INBOX",)
    provider: Literal["imap"] = "imap"
