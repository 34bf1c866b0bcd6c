"""`postroom mailbox add google`: by the key of a service account."""

from pathlib import Path
from typing import Annotated

import typer

from postroom.domain.mailbox import GoogleAccount
from postroom.entrypoints.cli.mailbox_add import Email, Id, add_mailbox
from postroom.entrypoints.cli.output import Tenant
from postroom.entrypoints.cli.secret import read_secret


def add_google(
    id_: Id,
    address: Email,
    service_account_file: Annotated[Path, typer.Option(help="The service account's JSON key.")],
    pubsub_subscription: Annotated[
        str, typer.Option(help="projects/…/subscriptions/… that pushes.")
    ],
    push_service_account: Annotated[
        str, typer.Option(help="Service account that signs the pushes.")
    ],
    tenant: Tenant = "default",
) -> None:
    """Add a Gmail mailbox that is read by domain-wide delegation."""
    account = GoogleAccount(
        service_account=read_secret("Service account key", str(service_account_file), ""),
        pubsub_subscription=pubsub_subscription,
        push_service_account=push_service_account,
    )
    add_mailbox(tenant, id_, address, account)
