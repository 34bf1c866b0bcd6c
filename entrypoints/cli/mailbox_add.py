"""What the commands that add a mailbox have in common."""

from typing import Annotated

import typer

from postroom.application.ports import MailboxCheck
from postroom.domain.mailbox import Account, InvalidMailbox, Mailbox
from postroom.entrypoints.cli.context import SetupContext, with_setup
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import one_line

Id = Annotated[str, typer.Argument(metavar="ID", help="A short name, such as `support`.")]
Email = Annotated[str, typer.Option(help="The mailbox's e-mail address.")]


async def new_mailbox(
    setup: SetupContext, tenant: str, id_: str, address: str, account: Account
) -> Mailbox:
    """The mailbox that is to be added. Raises InvalidMailbox if its name is no good, or taken."""
    mailbox = Mailbox(
        tenant=tenant, id=id_, address=address, account=account, added_at=setup.clock.now()
    )
    if await setup.registry.get(tenant, id_):
        raise InvalidMailbox("the tenant has a mailbox of that name: choose another")
    return mailbox


async def check_access(check: MailboxCheck, mailbox: Mailbox) -> None:
    """Try its access, and print how far that gets. Raises CommandFailed."""
    async for step in check.check(mailbox):
        if step.failed:
            problem = "; ".join(filter(None, [step.failed, step.remedy]))
            raise CommandFailed(one_line(f"{step.step}: {problem}"))
        typer.echo(f"{one_line(step.step)}: done", err=True)


def add_mailbox(tenant: str, id_: str, address: str, account: Account) -> None:
    """Add it untried."""

    async def store(setup: SetupContext) -> None:
        await setup.registry.add(await new_mailbox(setup, tenant, id_, address, account))

    with_setup(store)
    print_added(tenant, id_)


def print_added(tenant: str, id_: str) -> None:
    typer.echo(f"{tenant}/{id_} is added. What arrives from now on is handled.")
