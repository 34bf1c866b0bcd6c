"""What the tests of the IMAP adapters share."""

from datetime import UTC, datetime, timedelta

from postroom.adapters.imap.account import ImapAccount, Security
from postroom.domain.account import Secret, UnreadableAccount
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.loopback import HOST

PASSWORD = "pass-word"

AT_ONCE = 2.0
"""Seconds: far less than any timeout of the client, so what ends sooner was told."""

HASTY = timedelta(milliseconds=200)
"""A timeout for tests of servers that do not answer."""


def account(
    port: int,
    security: Security = Security.NONE,
    *,
    host: str = HOST,
    username: str = "ann",
    password: str = PASSWORD,
) -> ImapAccount:
    secret = Secret(password)
    return ImapAccount(host=host, port=port, username=username, password=secret, security=security)


def mailbox(of: ImapAccount) -> Mailbox:
    return Mailbox(
        tenant="acme",
        id="support",
        address="support@acme.example",
        account=of,
        added_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


FOREIGN = Mailbox(
    tenant="acme",
    id="info",
    address="info@acme.example",
    account=UnreadableAccount("elsewhere", "it is of another provider"),
    added_at=datetime(2024, 1, 1, tzinfo=UTC),
)
"""A mailbox of another provider."""
