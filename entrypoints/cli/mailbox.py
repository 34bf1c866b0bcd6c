"""Commands for the mailboxes: add, list, show."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from domain.mailbox import (
    Account,
    ClientSecret,
    GoogleAccount,
    ImapAccount,
    Mailbox,
    MicrosoftAccount,
    Secret,
    Security,
)
from entrypoints.cli.failed import CommandFailed
from entrypoints.cli.output import AnyTenant, AsJson, Row, Tenant, show, show_one
from entrypoints.cli.wired import Tools, with_tools

mailbox = typer.Typer(no_args_is_help=True, help="Add and see the mailboxes that are served.")
add = typer.Typer(no_args_is_help=True, help="Add a mailbox; its credentials are encrypted.")
mailbox.add_typer(add, name="add")

Id = Annotated[str, typer.Argument(metavar="ID", help="A short name, such as `support`.")]
Email = Annotated[str, typer.Option(help="The mailbox's e-mail address.")]
FROM_FILE = "A file that holds it (`-`: standard input). Without, it is asked for."


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
        password=_secret("Password", password_file),
        security=security,
        folders=tuple(folder or ["INBOX"]),
    )
    _add(tenant, id_, address, account)


@add.command("microsoft")
def add_microsoft(
    id_: Id,
    address: Email,
    directory: Annotated[str, typer.Option(help="Directory (tenant) id in Microsoft Entra.")],
    client_id: Annotated[str, typer.Option(help="Application (client) id.")],
    subscription_id: Annotated[str, typer.Option(help="Id of the Graph subscription.")],
    user: Annotated[str, typer.Option(help="Object id or principal name. [the address]")] = "",
    client_secret_file: Annotated[str, typer.Option(help=FROM_FILE)] = "",
    client_state_file: Annotated[str, typer.Option(help=FROM_FILE)] = "",
    tenant: Tenant = "default",
) -> None:
    """Add a Microsoft 365 mailbox whose notices come from an existing Graph subscription."""
    account = MicrosoftAccount(
        directory=directory,
        client_id=client_id,
        credentials=ClientSecret(_secret("Client secret", client_secret_file)),
        user=user or address,
        subscription_id=subscription_id,
        client_state=_secret("clientState of the subscription", client_state_file),
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
        service_account=_secret("Service account key", str(service_account_file)),
        subscription=subscription,
        push_identity=push_identity,
    )
    _add(tenant, id_, address, account)


def _add(tenant: str, id_: str, address: str, account: Account) -> None:
    async def keep(tools: Tools) -> None:
        await tools.registry.add(
            Mailbox(
                tenant=tenant, id=id_, address=address, account=account, added_at=tools.clock.now()
            )
        )

    with_tools(keep)
    typer.echo(f"{tenant}/{id_} is added. What arrives from now on is handled.")


def _secret(what: str, file: str) -> Secret:
    if not file:
        return Secret(typer.prompt(what, hide_input=True))
    source = "standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{what}: cannot read {source}: {error.strerror}") from None
    except UnicodeDecodeError:  # which quotes what it could not decode
        raise CommandFailed(f"{what}: cannot read {source}: it is not text") from None
    if not text.strip():
        raise CommandFailed(f"{what}: {source} is empty")
    return Secret(text.strip())


@mailbox.command("list")
def list_mailboxes(tenant: AnyTenant = "", *, as_json: AsJson = False) -> None:
    """List the mailboxes."""

    async def find(tools: Tools) -> list[Row]:
        return [_row(each) for each in await tools.registry.all(tenant=tenant)]

    empty = "No mailbox yet. Add one with: postroom mailbox add --help"
    show(with_tools(find), as_json=as_json, empty=empty, only_json=("added",), prose=("state",))


@mailbox.command("show")
def show_mailbox(id_: Id, tenant: Tenant = "default", *, as_json: AsJson = False) -> None:
    """Show one mailbox, without its secrets."""
    found = with_tools(lambda tools: tools.registry.get(tenant, id_))
    if found is None:
        raise CommandFailed(f"the tenant {tenant} has no mailbox {id_}; see: postroom mailbox list")
    show_one({**_row(found), **_details(found.account)}, as_json=as_json)


def _row(each: Mailbox) -> Row:
    return {
        "tenant": each.tenant,
        "mailbox": each.id,
        "provider": each.provider,
        "address": each.address,
        "state": f"paused: {each.paused}" if each.paused else "receiving",
        "added": each.added_at,
    }


def _details(account: Account) -> Row:
    match account:
        case MicrosoftAccount():
            return {"user": account.user, "subscription": account.subscription_id}
        case GoogleAccount():
            return {"subscription": account.subscription, "push_identity": account.push_identity}
        case ImapAccount():
            server = f"{account.host}:{account.port} ({account.security})"
            return {"server": server, "folders": ", ".join(account.folders)}
