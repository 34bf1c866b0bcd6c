"""What the commands that add a mailbox have in common."""

from typing import Annotated

import typer

from postroom.application.ports import MailboxInspector
from postroom.domain.mailbox import Account, InvalidMailbox, Mailbox
from postroom.entrypoints.cli.failed import CommandFailed
from postroom.entrypoints.cli.output import one_line
from postroom.entrypoints.cli.wired import SetUp

Id = Annotated[str, typer.Argument(metavar="ID", help="A short name, such as `support`.")]
Email = Annotated[str, typer.Option(help="The mailbox's e-mail address.")]


async def new_mailbox(
    set_up: SetUp, tenant: str, id_: str, address: str, account: Account
) -> Mailbox:
    """The mailbox that is to be added. Raises InvalidMailbox if its name is no good, or taken."""
    mailbox = Mailbox(
        tenant=tenant, id=id_, address=address, account=account, added_at=set_up.clock.now()
    )
    if await set_up.registry.get(tenant, id_):
        raise InvalidMailbox("the tenant has a mailbox of that name: choose another")
    return mailbox


async def inspect(inspector: MailboxInspector, mailbox: Mailbox) -> None:
    """Try its access, and tell how far that gets. Raises CommandFailed."""
    async for step in inspector.inspect(mailbox):
        if step.failed:
            told = "; ".join(filter(None, [step.failed, step.remedy]))
            raise CommandFailed(one_line(f"{step.step}: {told}"))
        typer.echo(f"{one_line(step.step)}: done", err=True)


def tell_added(tenant: str, id_: str) -> None:
    typer.echo(f"{tenant}/{id_} is added. What arrives from now on is handled.")
