"""Commands that look after a mailbox: pause, resume, resync, remove."""

from datetime import timedelta
from typing import Annotated

import typer

from domain.mailbox import Mailbox, Pause, PausedBy
from entrypoints.cli.adding import Id
from entrypoints.cli.asking import ask
from entrypoints.cli.chosen import age
from entrypoints.cli.failed import CommandFailed
from entrypoints.cli.output import Tenant
from entrypoints.cli.wired import Tools, with_tools

RESYNC = timedelta(days=7)


def pause(
    id_: Id,
    reason: Annotated[str, typer.Option(help="Shown to whoever asks why.")] = "by hand",
    tenant: Tenant = "default",
) -> None:
    """Stop working on a mailbox's mail. Its jobs are kept, and what arrives is queued."""

    async def run(tools: Tools) -> None:
        now = tools.clock.now()
        why = Pause(PausedBy.OPERATOR, reason, now)
        if not await tools.registry.pause(tenant, id_, why):
            raise _unknown(tenant, id_)

    with_tools(run)
    typer.echo(f"{tenant}/{id_} is paused. To go on: postroom mailbox resume {id_}")


def resume(id_: Id, tenant: Tenant = "default") -> None:
    """Work on a paused mailbox's mail again, and catch up with what came meanwhile."""

    async def run(tools: Tools) -> bool:
        await _known(tools, tenant, id_)
        return await tools.resume(tenant, id_)

    resumed = with_tools(run)
    typer.echo(f"{tenant}/{id_} {'goes on' if resumed else 'is not paused'}.")


def resync(
    id_: Id,
    since: Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="AGE", help="How far to look back: 90m, 12h. [7d]"),
    ] = None,
    tenant: Tenant = "default",
) -> None:
    """List again all that came in, and queue what was never handled. Nothing is done twice."""

    async def run(tools: Tools) -> int:
        mailbox = await _known(tools, tenant, id_)
        return await tools.resync(mailbox, tools.clock.now() - (since or RESYNC))

    if not with_tools(run):
        raise CommandFailed(f"{tenant}/{id_} has no folder that can be listed again")
    typer.echo(f"{tenant}/{id_} is listed again. What it finds: postroom outcomes --mailbox {id_}")


def remove(
    id_: Id,
    tenant: Tenant = "default",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop serving a mailbox, and forget its credentials. What its mail has become stays."""
    with_tools(lambda tools: _known(tools, tenant, id_))
    if not yes:
        ask(f"Forget the mailbox {tenant}/{id_}?", "it stays; to be asked nothing, add --yes")
    if not with_tools(lambda tools: tools.remove(tenant, id_)):
        raise _unknown(tenant, id_)
    typer.echo(f"{tenant}/{id_} is removed. Jobs that still wait end in the dead letters.")


async def _known(tools: Tools, tenant: str, id_: str) -> Mailbox:
    mailbox = await tools.registry.get(tenant, id_)
    if mailbox is None:
        raise _unknown(tenant, id_)
    return mailbox


def _unknown(tenant: str, id_: str) -> CommandFailed:
    return CommandFailed(f"the tenant {tenant} has no mailbox {id_}; see: postroom mailbox list")
