"""Commands that show the mailboxes: list, show."""

import typer

from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.mailbox_add import Id
from postroom.entrypoints.cli.mailbox_lookup import find_mailbox
from postroom.entrypoints.cli.output import (
    AnyTenant,
    AsJson,
    Row,
    Tenant,
    print_fields,
    print_json,
    print_table,
    show,
)
from postroom.entrypoints.views.mailboxes import (
    FolderView,
    MailboxView,
    mailbox_view,
    mailbox_views,
)


def list_mailboxes(tenant: AnyTenant = "", *, as_json: AsJson = False) -> None:
    """List the mailboxes."""

    async def find(admin: AdminContext) -> list[MailboxView]:
        folder_syncs = await admin.folder_syncs.all(tenant=tenant)
        mailboxes = await admin.registry.all(tenant=tenant)
        return mailbox_views(mailboxes, folder_syncs, admin.providers, admin.clock.now())

    empty = "No mailbox yet. Add one with: postroom mailbox add --help"
    show(with_admin(find), _row, as_json=as_json, empty=empty, prose=("state",))


def show_mailbox(id_: Id, tenant: Tenant = "default", *, as_json: AsJson = False) -> None:
    """Show one mailbox, without its secrets."""

    async def find(admin: AdminContext) -> MailboxView:
        found = await find_mailbox(admin.registry, tenant, id_)
        folder_syncs = await admin.folder_syncs.all(tenant=tenant, mailbox=id_)
        return mailbox_view(found, folder_syncs, admin.providers, admin.clock.now())

    view = with_admin(find)
    if as_json:
        print_json(view)
    else:
        _print_mailbox(view)


def _print_mailbox(mailbox: MailboxView) -> None:
    since = {"since": mailbox.since} if mailbox.since else {}
    print_fields({**_row(mailbox), **since, "added": mailbox.added_at, **mailbox.account})
    if mailbox.folders:
        typer.echo()
        print_table([_folder_row(each) for each in mailbox.folders], prose=("reason",))


def _row(mailbox: MailboxView) -> Row:
    return {
        "tenant": mailbox.tenant,
        "mailbox": mailbox.id,
        "provider": mailbox.provider,
        "address": mailbox.address,
        "state": f"{mailbox.state}: {mailbox.reason}" if mailbox.reason else mailbox.state,
    }


def _folder_row(folder: FolderView) -> Row:
    return {
        "folder": folder.name,
        "mode": folder.mode,
        "reason": folder.last_error or folder.polling_reason,
        "subscription": folder.subscription_id,
        "expires": folder.expires_at,
        "synced": folder.synced_at,
    }
