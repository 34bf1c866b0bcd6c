"""Commands for the mailboxes: add, list, show; and those of care.py and reconnect.py."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.mailbox import (
    Account,
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    GoogleAccount,
    ImapAccount,
    Mailbox,
    MicrosoftAccount,
    MicrosoftCredentials,
    Security,
)
from postroom.entrypoints.cli.context import AdminContext, SetupContext, with_admin, with_setup
from postroom.entrypoints.cli.mailbox_add import Email, Id, new_mailbox, print_added
from postroom.entrypoints.cli.mailbox_lifecycle import pause, remove, resume, resync
from postroom.entrypoints.cli.mailbox_lookup import find_mailbox
from postroom.entrypoints.cli.microsoft import add_microsoft
from postroom.entrypoints.cli.output import (
    AnyTenant,
    AsJson,
    Row,
    Tenant,
    print_json,
    print_table,
    show,
    show_one,
)
from postroom.entrypoints.cli.reconnect import reconnect
from postroom.entrypoints.cli.secret import FROM_FILE, read_secret

mailbox = typer.Typer(
    no_args_is_help=True, help="Add, see and look after the mailboxes that are served."
)
add = typer.Typer(no_args_is_help=True, help="Add a mailbox; its credentials are encrypted.")
mailbox.add_typer(add, name="add")

add.command("microsoft")(add_microsoft)
for command in (pause, resume, resync, remove, reconnect):
    mailbox.command()(command)


@add.command("imap")
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
    _add(tenant, id_, address, account)


@add.command("google")
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
    _add(tenant, id_, address, account)


def _add(tenant: str, id_: str, address: str, account: Account) -> None:
    async def keep(setup: SetupContext) -> None:
        await setup.registry.add(await new_mailbox(setup, tenant, id_, address, account))

    with_setup(keep)
    print_added(tenant, id_)


@mailbox.command("list")
def list_mailboxes(tenant: AnyTenant = "", *, as_json: AsJson = False) -> None:
    """List the mailboxes."""

    async def find(admin: AdminContext) -> list[Row]:
        folder_syncs = await admin.folder_syncs.all(tenant=tenant)
        return [_row(each, folder_syncs) for each in await admin.registry.all(tenant=tenant)]

    empty = "No mailbox yet. Add one with: postroom mailbox add --help"
    show(with_admin(find), as_json=as_json, empty=empty, only_json=("added",), prose=("state",))


@mailbox.command("show")
def show_mailbox(id_: Id, tenant: Tenant = "default", *, as_json: AsJson = False) -> None:
    """Show one mailbox, without its secrets."""

    async def find(admin: AdminContext) -> tuple[Row, list[Row]]:
        found = await find_mailbox(admin.registry, tenant, id_)
        folder_syncs = await admin.folder_syncs.all(tenant=tenant, mailbox=id_)
        row = {**_row(found, folder_syncs), **_details(found.account)}
        return row, [_folder(each) for each in folder_syncs]

    row, folders = with_admin(find)
    if as_json:
        print_json({**row, "folders": folders} if folders else row)
        return
    show_one(row, as_json=False)
    if folders:
        typer.echo()
        print_table(folders, prose=("reason",))


def _row(each: Mailbox, folder_syncs: Sequence[FolderSync]) -> Row:
    return {
        "tenant": each.tenant,
        "mailbox": each.id,
        "provider": each.provider,
        "address": each.address,
        "state": _state(each, folder_syncs),
        "added": each.added_at,
    }


def _state(each: Mailbox, folder_syncs: Sequence[FolderSync]) -> str:
    """The worst that is to be said of it, of all its folders."""
    if each.paused:
        return f"paused: {each.paused.reason}"
    own = [one for one in folder_syncs if (one.tenant, one.mailbox) == (each.tenant, each.id)]
    if error := next((one.last_error for one in own if one.last_error), ""):
        return f"error: {error}"
    if reason := next((one.polling_reason for one in own if one.mode is Mode.POLLING), ""):
        return f"polling: {reason}"
    return "receiving"


def _folder(folder_sync: FolderSync) -> Row:
    subscription = folder_sync.subscription
    return {
        "folder": folder_sync.folder,
        "mode": folder_sync.mode,
        "reason": folder_sync.last_error or folder_sync.polling_reason,
        "subscription": subscription.id if subscription else "",
        "expires": subscription.expires_at if subscription else None,
        "synced": folder_sync.synced_at,
    }


def _details(account: Account) -> Row:
    match account:
        case MicrosoftAccount():
            return {"user": account.user, "access": _access(account.credentials)}
        case GoogleAccount():
            return {
                "pubsub_subscription": account.pubsub_subscription,
                "push_service_account": account.push_service_account,
            }
        case ImapAccount():
            server = f"{account.host}:{account.port} ({account.security})"
            return {"server": server, "folders": ", ".join(account.folders)}


def _access(credentials: MicrosoftCredentials) -> str:
    match credentials:
        case ClientSecret():
            return "of the application, by a secret"
        case ClientCertificate():
            return "of the application, by a certificate"
        case DelegatedAccess():
            return "delegated, of a person who has signed in"
