"""Commands that look after a mailbox: pause, resume, resync, remove."""

from datetime import timedelta
from typing import Annotated

import typer

from postroom.application.resync_mailbox import Resynced
from postroom.domain.mailbox import Pause, PausedBy
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.dead_actions import REDRIVE, counted
from postroom.entrypoints.cli.dead_filter import age
from postroom.entrypoints.cli.mailbox_add import Id
from postroom.entrypoints.cli.mailbox_lookup import be_known, find_mailbox, unknown_mailbox
from postroom.entrypoints.cli.output import Tenant, of_tenant
from postroom.entrypoints.cli.prompts import confirm

RESYNC = timedelta(days=7)


def pause(
    id_: Id,
    reason: Annotated[str, typer.Option(help="Shown to whoever asks why.")] = "by hand",
    tenant: Tenant = "default",
) -> None:
    """Stop working on a mailbox's mail. Its jobs are kept, and what arrives is queued."""

    async def run(admin: AdminContext) -> None:
        now = admin.clock.now()
        why = Pause(PausedBy.OPERATOR, reason, now)
        if not await admin.registry.pause(tenant, id_, why):
            raise unknown_mailbox(tenant, id_)

    with_admin(run)
    typer.echo(
        f"{tenant}/{id_} is paused. To go on: postroom mailbox resume {id_}{of_tenant(tenant)}"
    )


def resume(id_: Id, tenant: Tenant = "default") -> None:
    """Work on a paused mailbox's mail again, and catch up with what came meanwhile."""

    async def run(admin: AdminContext) -> bool:
        await be_known(admin.registry, tenant, id_)
        return await admin.resume(tenant, id_)

    resumed = with_admin(run)
    typer.echo(f"{tenant}/{id_} {'goes on' if resumed else 'is not paused'}.")


def resync(
    id_: Id,
    since: Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="AGE", help="How far to look back: 90m, 12h. [7d]"),
    ] = None,
    tenant: Tenant = "default",
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Try again what is dead, too.")] = False,
) -> None:
    """List again all that came in, and queue what was never handled. Nothing is done twice."""

    async def run(admin: AdminContext) -> Resynced:
        mailbox = await find_mailbox(admin.registry, tenant, id_)
        return await admin.resync(mailbox, admin.clock.now() - (since or RESYNC), dead=dead)

    resynced = with_admin(run)
    if dead:
        typer.echo(f"{counted(resynced.redriven)} {REDRIVE.done}.")
    if not resynced.folders:
        raise unknown_mailbox(tenant, id_)  # it was removed meanwhile
    found = f"postroom outcomes --mailbox {id_}{of_tenant(tenant)}"
    typer.echo(f"{tenant}/{id_} is listed again. What it finds: {found}")


def remove(
    id_: Id,
    tenant: Tenant = "default",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop serving a mailbox, and forget its credentials. What its mail has become stays."""
    with_admin(lambda admin: be_known(admin.registry, tenant, id_))
    if not yes:
        confirm(f"Forget the mailbox {tenant}/{id_}?", "it stays; to be asked nothing, add --yes")
    if not with_admin(lambda admin: admin.remove(tenant, id_)):
        raise unknown_mailbox(tenant, id_)
    typer.echo(f"{tenant}/{id_} is removed. Jobs that still wait end in the dead letters.")
