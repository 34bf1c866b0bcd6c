"""`postroom mailbox add imap`: by a password."""

from typing import Annotated

import typer

from postroom.domain.mailbox import ImapAccount, Security
from postroom.entrypoints.cli.mailbox_add import Email, Id, add_mailbox
from postroom.entrypoints.cli.output import Tenant
from postroom.entrypoints.cli.secret import FROM_FILE, read_secret


def add_imap(
    id_: Id,
    address: Email,
    host: Annotated[str, typer.Option(help="The IMAP server.")],
    username: Annotated[str, typer.Option(help="Default: the address.")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 993,
    security: Annotated[Security, typer.Option(help="RFC 8314.")] = Security.TLS,
    folder: Annotated[list[str] | None, typer.Option(help="May be repeated. [INBOX]")] = None,
    password_file: Annotated[str, typer.Option(help=FROM_FILE)] = "",
    tenant: Tenant = "default",
) -> None:
    """Add a mailbox on any IMAP server. `postroom listener` then listens to it."""
    account = ImapAccount(
        host=host,
        port=port,
        username=username or address,
        password=read_secret("Password", password_file, "POSTROOM_MAILBOX_PASSWORD"),
        security=security,
        folders=tuple(folder or ["INBOX"]),
    )
    add_mailbox(tenant, id_, address, account)
