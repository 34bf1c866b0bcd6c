"""Commands for the mailboxes: add, list, show; and those of care.py and reconnect.py."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

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
from postroom.domain.reception import Mode, Reception
from postroom.entrypoints.cli.adding import Email, Id, new_mailbox, tell_added
from postroom.entrypoints.cli.care import pause, remove, resume, resync
from postroom.entrypoints.cli.finding import find_mailbox
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
from postroom.entrypoints.cli.wired import SetUp, Tools, with_set_up, with_tools

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
    subscription: Annotated[str, typer.Option(help="projects/…/subscriptions/… that pushes.")],
    push_identity: Annotated[str, typer.Option(help="Service account that signs the pushes.")],
    tenant: Tenant = "default",
) -> None:
    """Add a Gmail mailbox that is read by domain-wide delegation."""
    account = GoogleAccount(
        service_account=read_secret("Service account key", str(service_account_file), ""),
        subscription=subscription,
        push_identity=push_identity,
    )
    _add(tenant, id_, address, account)


def _add(tenant: str, id_: str, address: str, account: Account) -> None:
    async def keep(set_up: SetUp) -> None:
        await set_up.registry.add(await new_mailbox(set_up, tenant, id_, address, account))

    with_set_up(keep)
    tell_added(tenant, id_)


@mailbox.command("list")
def list_mailboxes(tenant: AnyTenant = "", *, as_json: AsJson = False) -> None:
    """List the mailboxes."""

    async def find(tools: Tools) -> list[Row]:
        receptions = await tools.receptions.all(tenant=tenant)
        return [_row(each, receptions) for each in await tools.registry.all(tenant=tenant)]

    empty = "No mailbox yet. Add one with: postroom mailbox add --help"
    show(with_tools(find), as_json=as_json, empty=empty, only_json=("added",), prose=("state",))


@mailbox.command("show")
def show_mailbox(id_: Id, tenant: Tenant = "default", *, as_json: AsJson = False) -> None:
    """Show one mailbox, without its secrets."""

    async def find(tools: Tools) -> tuple[Row, list[Row]]:
        found = await find_mailbox(tools.registry, tenant, id_)
        receptions = await tools.receptions.all(tenant=tenant, mailbox=id_)
        row = {**_row(found, receptions), **_details(found.account)}
        return row, [_folder(each) for each in receptions]

    row, folders = with_tools(find)
    if as_json:
        print_json({**row, "folders": folders} if folders else row)
        return
    show_one(row, as_json=False)
    if folders:
        typer.echo()
        print_table(folders, prose=("why",))


def _row(each: Mailbox, receptions: Sequence[Reception]) -> Row:
    return {
        "tenant": each.tenant,
        "mailbox": each.id,
        "provider": each.provider,
        "address": each.address,
        "state": _state(each, receptions),
        "added": each.added_at,
    }


def _state(each: Mailbox, receptions: Sequence[Reception]) -> str:
    """The worst that is to be said of it, of all its folders."""
    if each.paused:
        return f"paused: {each.paused.reason}"
    own = [one for one in receptions if (one.tenant, one.mailbox) == (each.tenant, each.id)]
    if trouble := next((one.trouble for one in own if one.trouble), ""):
        return f"in trouble: {trouble}"
    if why := next((one.why for one in own if one.mode is Mode.POLLING), ""):
        return f"polling: {why}"
    return "receiving"


def _folder(reception: Reception) -> Row:
    subscription = reception.subscription
    return {
        "folder": reception.folder,
        "mode": reception.mode,
        "why": reception.trouble or reception.why,
        "subscription": subscription.id if subscription else "",
        "expires": subscription.expires_at if subscription else None,
        "reconciled": reception.reconciled_at,
    }


def _details(account: Account) -> Row:
    match account:
        case MicrosoftAccount():
            return {"user": account.user, "access": _access(account.credentials)}
        case GoogleAccount():
            return {"subscription": account.subscription, "push_identity": account.push_identity}
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
